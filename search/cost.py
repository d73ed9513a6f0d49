"""What a network costs, known before it is trained: time and memory on the chip, and the time of its training. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from edgetpu.latency import DEVICES, LatencyEstimate, estimate_with_memory
from edgetpu.memory import memory_map
from models.architecture import Architecture
from search.schedule import schedule_for
from search.spec import SearchSpec

_MACS_PER_MS = 5.5e6
_DEPTHWISE_VALUES_PER_MS = 6.0e5
"""Of one picture's training step on one core: multiply-accumulates of the network, values that depthwise layers give.

Source: measured on one core of a 2-core Xeon virtual machine, TensorFlow 2.21; see benchmarks/RESULTS.md, search.
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one network costs."""

    latency_ms: float
    low_ms: float
    high_ms: float
    """80 of 100 measurements are expected within low and high."""
    onchip_bytes: int
    """Parameters that stay on the chip."""
    streamed_bytes: int
    """Parameters sent to the chip at every inference."""
    ops: int
    macs: int
    parameters: int
    training_seconds: float
    """Of one processor core."""

    def to_json(self) -> dict[str, Any]:
        """Return the cost as plain values."""
        return asdict(self)


def cost_of(spec: SearchSpec, architecture: Architecture) -> Cost:
    """Return what a network costs under the limits of a search; its on-chip limit is the memory there is."""
    pictures, memory = spec.training_pictures, spec.onchip_limit_bytes
    return _cost(architecture, spec.classes, spec.device, memory, pictures)


def estimate_of(spec: SearchSpec, architecture: Architecture) -> LatencyEstimate:
    """Return the whole latency estimate of a network, layer by layer."""
    graph = architecture.graph(spec.classes)
    return estimate_with_memory(graph, DEVICES[spec.device], memory_map(graph, spec.onchip_limit_bytes))


@lru_cache(maxsize=16_384)
def _cost(architecture: Architecture, classes: int, device: str, memory_bytes: int, pictures: int) -> Cost:
    graph = architecture.graph(classes)
    memory = memory_map(graph, memory_bytes)
    latency = estimate_with_memory(graph, DEVICES[device], memory)
    return Cost(
        latency.ms,
        latency.low_ms,
        latency.high_ms,
        memory.cached_bytes,
        memory.streamed_bytes,
        len(graph.ops),
        architecture.macs(classes),
        architecture.parameters(classes),
        _training_seconds(architecture, classes, pictures),
    )


def _training_seconds(architecture: Architecture, classes: int, pictures: int) -> float:
    layers = architecture.layers(classes)
    spatial = [layer for layer in layers if layer.kind == "DEPTHWISE_CONV_2D"]
    values = sum(layer.macs // layer.kernel**2 for layer in spatial)
    milliseconds = sum(layer.macs for layer in layers) / _MACS_PER_MS + values / _DEPTHWISE_VALUES_PER_MS
    schedule = schedule_for(pictures)
    return schedule.epochs * schedule.steps_per_epoch * schedule.batch * milliseconds / 1000
