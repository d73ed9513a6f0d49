"""How long a network takes on an Edge TPU: an estimate with a band, per layer and in total, before any hardware.

    time = floor + Σ layers √(compute² + streaming²) + (instructions + input) · to_chip + output · from_chip + CPU part

Source: form and constants fitted to public measurements; benchmarks/edgetpu_latency.py states the errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Literal, NamedTuple

from edgetpu.cycles import tile_cycles
from edgetpu.devices import DEVICES, ChipRates, DeviceProfile
from edgetpu.graph import Graph
from edgetpu.layers import (
    DENSE,
    DEPTHWISE,
    ELEMENTWISE,
    GLOBAL_POOL,
    POINTWISE,
    POOL,
    RECURRENT,
    SPATIAL,
    Layer,
    layers_of,
)
from edgetpu.memory import DEFAULT_CAPACITY_BYTES, MemoryMap, memory_map

__all__ = ["DEVICES", "DeviceProfile", "LatencyEstimate", "LayerTime", "estimate"]

MIB = 2**20
Limit = Literal["compute", "streaming", "transfer", "cpu", "overhead"]
_BAND_80 = 1.2816
"""Standard deviations on either side that hold 80 % of a normal distribution."""
_SMALLEST_BAND_MS = 0.03


class LayerTime(NamedTuple):
    """The time of one operation."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    """Position in `Graph.ops`."""
    name: str
    kind: str
    compute_us: float
    streaming_us: float
    """Sending its parameters, where they are not kept on the chip."""
    cpu_us: float
    """On the host's processor, where the chip cannot run it."""

    @property
    def total_us(self) -> float:
        """The chip overlaps part of its arithmetic with streaming."""
        return sqrt(self.compute_us**2 + self.streaming_us**2) + self.cpu_us


@dataclass(frozen=True, slots=True)
class LatencyEstimate:
    """How long one inference takes, as estimated; with a band that holds 80 of 100 measurements."""

    ms: float
    low_ms: float
    high_ms: float
    device: DeviceProfile
    limited_by: Limit
    layers: tuple[LayerTime, ...]
    parts_ms: dict[str, float]
    """floor, chip, instructions, input, output, cpu: they add up to `ms`."""
    warnings: tuple[str, ...]
    """Why this estimate is less certain than others, as sentences."""
    origin: Literal["estimated"] = "estimated"

    @property
    def fps(self) -> float:
        """Inferences per second, one after the other."""
        return 1000 / self.ms


def estimate(graph: Graph, device: str | DeviceProfile, capacity_bytes: int | None = None) -> LatencyEstimate:
    """Return the time of one inference on a device.

    Args:
        graph: a network, with or without weights.
        device: a key of DEVICES, or a profile of one's own.
        capacity_bytes: on-chip memory for parameters; None for the usual one.

    Raises:
        KeyError: if there is no device of that name.
    """
    profile = DEVICES[device] if isinstance(device, str) else device
    memory = memory_map(graph, DEFAULT_CAPACITY_BYTES if capacity_bytes is None else capacity_bytes)
    return estimate_with_memory(graph, profile, memory)


def estimate_with_memory(graph: Graph, profile: DeviceProfile, memory: MemoryMap) -> LatencyEstimate:
    """Return the time of one inference where the placement of the parameters is already known."""
    layers = layers_of(graph)
    times = _layer_times(layers, memory, profile)
    parts = {
        "floor": profile.floor_ms,
        "chip": sum([time.total_us - time.cpu_us for time in times]) / 1000,
        "instructions": instruction_bytes(layers, memory, profile.chip) * profile.to_chip_ns / 1e6,
        "input": _input_bytes(graph) * profile.to_chip_ns / 1e6,
        "output": _output_bytes(graph) * profile.from_chip_ns / 1e6,
        "cpu": sum([time.cpu_us for time in times]) / 1000,
    }
    ms = sum(parts.values())
    half = max(ms * (exp(_BAND_80 * profile.spread) - 1), _SMALLEST_BAND_MS)
    return LatencyEstimate(
        ms=ms,
        low_ms=max(ms - half / exp(_BAND_80 * profile.spread), 0.0),
        high_ms=ms + half,
        device=profile,
        limited_by=_limit(parts, times),
        layers=times,
        parts_ms=parts,
        warnings=(),
    )


def compute_ns(layer: Layer, parameters: int, chip: ChipRates) -> float:
    """Return the time that the chip's arithmetic takes for one layer, in nanoseconds.

    Args:
        layer: the layer.
        parameters: bytes of its parameters, cached or streamed.
        chip: how fast the chip works.
    """
    work = layer.work
    if work in (POINTWISE, SPATIAL, DENSE):
        return chip.cycle_ns * tile_cycles(layer) + chip.parameter_ns * parameters
    if work == DEPTHWISE:
        return chip.tap_ns * layer.out_bytes * layer.taps + chip.parameter_ns * parameters
    if work == POOL:
        return chip.pool_us * 1000 + chip.tap_ns * layer.out_bytes * layer.taps
    if work == GLOBAL_POOL:
        return chip.pool_us * 1000 + chip.tap_ns * layer.in_bytes
    if work in (ELEMENTWISE, RECURRENT):
        return chip.elementwise_us * 1000 + chip.elementwise_ns * (layer.in_bytes + layer.out_bytes)
    return 0.0


def instruction_bytes(layers: Sequence[Layer], memory: MemoryMap, chip: ChipRates) -> float:
    """Return the bytes of instructions that the compiler writes for a network, about 14 % off on average."""
    on_chip = [layer for layer, place in zip(layers, memory.layers, strict=True) if place.placement != "cpu"]
    arithmetic = [layer for layer in on_chip if layer.work in (POINTWISE, SPATIAL, DENSE)]
    if on_chip and all(layer.work == DENSE for layer in on_chip):
        return 1_000.0 + 1_530.0 * len(arithmetic)
    activations = sum([layer.out_bytes for layer in on_chip])
    return (
        chip.instruction_bytes
        + chip.layer_instruction_bytes * len(arithmetic)
        + chip.activation_instruction_bytes * activations / MIB
    )


def _layer_times(layers: Sequence[Layer], memory: MemoryMap, profile: DeviceProfile) -> tuple[LayerTime, ...]:
    times = []
    for layer, place in zip(layers, memory.layers, strict=True):
        compute = streaming = cpu = 0.0
        if place.placement == "cpu":
            cpu = (layer.macs + layer.in_bytes + layer.out_bytes) / profile.cpu_macs_per_us
        else:
            compute = compute_ns(layer, place.parameter_bytes, profile.chip) * profile.clock_factor / 1000
            if place.placement == "streamed":
                streaming = _streaming_ns(layer, place.parameter_bytes, profile) / 1000
        times.append(LayerTime(place.index, place.name, place.kind, compute, streaming, cpu))
    return tuple(times)


def _streaming_ns(layer: Layer, parameters: int, profile: DeviceProfile) -> float:
    crowded = max((layer.in_bytes + layer.out_bytes) / MIB - profile.chip.crowding_from_mib, 0.0)
    return parameters * profile.to_chip_ns * (1 + profile.chip.crowding_per_mib * crowded)


def _input_bytes(graph: Graph) -> int:
    return sum([graph.tensors[index].elements for index in graph.inputs])


def _output_bytes(graph: Graph) -> int:
    return sum([graph.tensors[index].elements for index in graph.outputs])


def _limit(parts: dict[str, float], times: Sequence[LayerTime]) -> Limit:
    compute = sum([time.compute_us for time in times]) / 1000
    shares: dict[Limit, float] = {
        "compute": compute,
        "streaming": parts["chip"] - compute,
        "transfer": parts["instructions"] + parts["input"] + parts["output"],
        "cpu": parts["cpu"],
        "overhead": parts["floor"],
    }
    return max(shares, key=lambda name: shares[name])
