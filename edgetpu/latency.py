"""How long a network takes on an Edge TPU: an estimate with a band, per layer and in total, before any hardware.

    time = floor + Σ layers max(compute, streaming) + (instructions + input) · to_chip + output · from_chip + CPU part

Source: form and constants fitted to public measurements; benchmarks/edgetpu_latency.py states the errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, hypot
from typing import Literal, NamedTuple

from edgetpu.cautions import DOUBT_BYTES, cautions
from edgetpu.devices import DEVICES, ChipRates, DeviceProfile
from edgetpu.graph import Graph
from edgetpu.layers import Layer, layers_of
from edgetpu.memory import DEFAULT_CAPACITY_BYTES, MIB, MemoryMap, memory_map
from edgetpu.traffic import input_bytes, instruction_parts, output_bytes
from edgetpu.work import work_of

__all__ = ["DEVICES", "DeviceProfile", "LatencyEstimate", "LayerTime", "estimate"]

Limit = Literal["compute", "streaming", "transfer", "cpu", "overhead"]
_BAND_80 = 1.2816
"""Standard deviations on either side that hold 80 % of a normal distribution."""
_FLOOR_BAND_MS = 0.1
"""Hosts differ by so much in the time of an inference that does nothing."""
_SHORT_BAND_MS = 0.3


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
        """The chip overlaps arithmetic with streaming, so a layer takes as long as the slower of the two.

        Source: 7×7 convolutions on USB 2 in iwatake2222's micro-benchmark, where streaming hides the arithmetic whole.
        """
        return max(self.compute_us, self.streaming_us) + self.cpu_us


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
    capacity = DEFAULT_CAPACITY_BYTES if capacity_bytes is None else capacity_bytes
    return estimate_with_memory(graph, profile, memory_map(graph, capacity))


def at_other_capacity(graph: Graph, device: str | DeviceProfile) -> LatencyEstimate | None:
    """Return a second estimate where the first depends on how much memory the compiler leaves for parameters.

    Within 1 MiB of the capacity nobody can tell whether parameters are streamed; this is the other case.
    None where there is no doubt.
    """
    memory = memory_map(graph)
    if abs(memory.parameter_bytes - memory.capacity_bytes) > DOUBT_BYTES:
        return None
    step = DOUBT_BYTES if memory.streamed_bytes else -DOUBT_BYTES
    return estimate(graph, device, memory.capacity_bytes + step)


def estimate_with_memory(graph: Graph, profile: DeviceProfile, memory: MemoryMap) -> LatencyEstimate:
    """Return the time of one inference where the placement of the parameters is already known."""
    layers = layers_of(graph)
    times = _layer_times(layers, memory, profile)
    parts = {
        "floor": profile.floor_ms,
        "chip": sum([time.total_us - time.cpu_us for time in times]) / 1000,
        "instructions": _instruction_bytes(layers, memory, profile.chip) * profile.to_chip_ns / 1e6,
        "input": input_bytes(graph) * profile.to_chip_ns / 1e6,
        "output": output_bytes(graph) * profile.from_chip_ns / 1e6,
        "cpu": sum([time.cpu_us for time in times]) / 1000,
    }
    ms = sum(parts.values())
    low, high = band_ms(ms, profile)
    return LatencyEstimate(
        ms=ms,
        low_ms=low,
        high_ms=high,
        device=profile,
        limited_by=_limit(parts, times),
        layers=times,
        parts_ms=parts,
        warnings=cautions(layers, memory, ms, output_bytes(graph)),
    )


def band_ms(ms: float, profile: DeviceProfile) -> tuple[float, float]:
    """Return the band that holds 80 of 100 measurements: relative for long times, absolute for the shortest."""
    factor = exp(_BAND_80 * profile.spread)
    fixed = _SHORT_BAND_MS if ms < 1 else _FLOOR_BAND_MS
    return max(ms - hypot(ms - ms / factor, fixed), 0.0), ms + hypot(ms * factor - ms, fixed)


def _instruction_bytes(layers: Sequence[Layer], memory: MemoryMap, chip: ChipRates) -> float:
    """Return the bytes of instructions that the compiler writes for a network, about 14 % off on average."""
    parts = instruction_parts(layers, memory)
    return sum([rate * part for rate, part in zip(chip.instruction_rates, parts, strict=True)])


def _layer_times(layers: Sequence[Layer], memory: MemoryMap, profile: DeviceProfile) -> tuple[LayerTime, ...]:
    rates = tuple([rate * profile.clock_factor / 1000 for rate in profile.chip.rates_ns])
    times = []
    for layer, place in zip(layers, memory.layers, strict=True):
        compute = streaming = cpu = 0.0
        if place.placement == "cpu":
            cpu = (layer.macs + layer.in_bytes + layer.out_bytes) / profile.cpu_macs_per_us
        else:
            compute = _compute_us(layer, place.parameter_bytes, rates)
            if place.placement == "streamed":
                streaming = _streaming_ns(layer, place.parameter_bytes, profile) / 1000
        times.append(LayerTime(place.index, place.name, place.kind, compute, streaming, cpu))
    return tuple(times)


@lru_cache(maxsize=65536)
def _compute_us(layer: Layer, parameters: int, rates_us: tuple[float, ...]) -> float:
    """Return the time of one layer's arithmetic; remembered, because the networks of a search share most layers."""
    return sum([rate * amount for rate, amount in zip(rates_us, work_of(layer, parameters), strict=True) if amount])


def _streaming_ns(layer: Layer, parameters: int, profile: DeviceProfile) -> float:
    crowded = max((layer.in_bytes + layer.out_bytes) / MIB - profile.chip.crowding_from_mib, 0.0)
    return parameters * profile.to_chip_ns * (1 + profile.chip.crowding_per_mib * crowded)


def _limit(parts: dict[str, float], times: Sequence[LayerTime]) -> Limit:
    streaming = sum([time.streaming_us for time in times if time.streaming_us > time.compute_us]) / 1000
    shares: dict[Limit, float] = {
        "compute": parts["chip"] - streaming,
        "streaming": streaming,
        "transfer": parts["instructions"] + parts["input"] + parts["output"],
        "cpu": parts["cpu"],
        "overhead": parts["floor"],
    }
    return max(shares, key=lambda name: shares[name])
