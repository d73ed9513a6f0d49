"""What a network costs, known before it is trained: time and memory on the chip, and the time of its training. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from math import prod
from typing import Any

from edgetpu.latency import DEVICES, LatencyEstimate, estimate, estimate_with_memory
from edgetpu.memory import memory_map
from models.architecture import Architecture
from models.backbones import network_named
from models.families import FAMILIES
from models.families.resolution import resolutions
from models.file_size import int8_file_bytes
from search.recipe import Learns, recipe_of
from search.schedule import Schedule, heir_schedule_for, schedule_for, tuning_schedule_for
from search.spec import SearchSpec

_MACS_PER_MS, _VALUES_PER_MS = 25e6, 80e3
"""Of one picture's training step on one core: multiply-accumulates, and values that all layers put out.

Source: 18 random networks at 24 to 128 px on one core of a busy 2-core Xeon virtual machine, TensorFlow 2.21; the
standard deviation of the logarithm is 0.16. Multiply-accumulates alone leave 0.53: training waits for memory. On an AMD
machine, with normalizations in one operation, MobileNet v2 takes 1.1 to 1.4 times and EfficientNet-EdgeTPU 1.7 times as
long: the pace of the trials corrects that (`search.minutes.pace_of`).
"""
_SHARE_OF_WHOLE = 0.7
"""Of a step's time, where a published network keeps its normalizations and its early stages.

Source: benchmarks/RESULTS.md, search, What a step takes: 7.9 instead of 11.0 ms at 64 px, 19.5 instead of 27.0 at 112.
"""
_ANSWERED_MACS_PER_MS = 25e6
"""Of one picture's answer by a teacher on one core. Source: as above, What a teacher takes: 3.4 ms for 77 million."""
_SHAPE = tuple(each.name for each in fields(Architecture) if each.compare and each.name != "image_px")
"""What makes a network, whatever its pictures and the choices that led to it."""


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
    """Operations of the converted network."""
    macs: int
    parameters: int
    file_bytes: int
    """Of the int8 file, about."""
    training_seconds: float
    """Of one processor core."""

    @property
    def parameter_bytes(self) -> int:
        """All parameters as the compiler pads them."""
        return self.onchip_bytes + self.streamed_bytes

    def to_json(self) -> dict[str, Any]:
        """Return the cost as plain values."""
        return asdict(self)


def cost_of(spec: SearchSpec, architecture: Architecture) -> Cost:
    """Return what a network costs on the device and with the pictures of a search, whatever its limits are."""
    cost = _cost(architecture, spec.classes, spec.device)
    return replace(cost, training_seconds=training_seconds(spec, architecture))


def training_seconds(spec: SearchSpec, architecture: Architecture) -> float:
    """Return the seconds of one processor core that the training of a network will take, about."""
    alone_s = taught_seconds(spec, architecture, None)
    return alone_s if is_published(architecture, spec.backbone) else alone_s + teaching_seconds(spec)


def teaching_seconds(spec: SearchSpec) -> float:
    """Return the seconds of one processor core that a teacher's answers take in a training, about; 0 without teachers.

    Who will teach is not known before; it is taken to be the whole network at the largest side within the time limit.
    """
    if not spec.backbone:
        return 0.0
    macs = _largest_whole_macs(spec.backbone, spec.image_px, spec.latency_limit_ms, spec.classes, spec.device)
    return _answering_seconds(heir_schedule_for(spec.training_pictures), macs)


def taught_seconds(spec: SearchSpec, architecture: Architecture, teacher: Architecture | None) -> float:
    """Return what `training_seconds` does, where it is known who teaches the network; None for nobody."""
    schedule, share = _schedule(architecture, spec, published=is_published(architecture, spec.backbone))
    alone_s = _shown(schedule) * share * _step_ms(architecture, spec.classes) / 1000
    return alone_s + (_answering_seconds(schedule, teacher.macs(spec.classes)) if teacher else 0.0)


def _answering_seconds(schedule: Schedule, macs: int) -> float:
    return _shown(schedule) * macs / _ANSWERED_MACS_PER_MS / 1000


def estimate_of(spec: SearchSpec, architecture: Architecture) -> LatencyEstimate:
    """Return the whole latency estimate of a network, layer by layer."""
    return estimate(architecture.graph(spec.classes), spec.device)


@lru_cache(maxsize=4096)
def _cost(architecture: Architecture, classes: int, device: str) -> Cost:
    graph = architecture.graph(classes)
    memory = memory_map(graph)
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
        int8_file_bytes(graph),
        0.0,
    )


@lru_cache(maxsize=4096)
def _step_ms(architecture: Architecture, classes: int) -> float:
    """Return the milliseconds that one picture takes in a step in which all of a network learns."""
    layers = architecture.layers(classes)
    macs, values = sum(layer.macs for layer in layers), sum(prod(layer.shape) for layer in layers)
    return macs / _MACS_PER_MS + values / _VALUES_PER_MS


def _shown(schedule: Schedule) -> int:
    """Return how many pictures a training shows, each as often as it comes."""
    return schedule.epochs * schedule.steps_per_epoch * schedule.batch


@lru_cache(maxsize=64)
def _largest_whole_macs(backbone: str, image_px: int, limit_ms: float, classes: int, device: str) -> int:
    """Return what the largest whole network within a time limit computes for a picture; 0 if there is none."""
    name, _ = network_named(backbone) or ("", 0)
    published = [family.published[name] for family in FAMILIES.values() if name in family.published]
    sized = (replace(each, image_px=side) for each in published for side in resolutions(image_px))
    costs = (_cost(each, classes, device) for each in sized)
    return max((cost.macs for cost in costs if cost.latency_ms <= limit_ms), default=0)


def _schedule(architecture: Architecture, spec: SearchSpec, *, published: bool) -> tuple[Schedule, float]:
    """Return how a network is trained, and the share of a whole step's time that a step takes."""
    if not spec.backbone:
        return schedule_for(spec.training_pictures), 1.0
    if not published:
        return heir_schedule_for(spec.training_pictures), 1.0
    late = recipe_of(architecture.choices).learns == Learns.LATE
    return tuning_schedule_for(spec.training_pictures), _SHARE_OF_WHOLE if late else 1.0


def is_published(architecture: Architecture, backbone: str) -> bool:
    """Say whether a network is the one whose weights were published, whole, at whatever resolution."""
    named = network_named(backbone) if backbone else None
    published = FAMILIES[architecture.family].published.get(named[0]) if named else None
    return published is not None and all(getattr(architecture, name) == getattr(published, name) for name in _SHAPE)
