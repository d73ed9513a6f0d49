"""The quantities of a network that its time is made of, for many networks at once: what fitting needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgetpu.devices import ChipRates, DeviceProfile
from edgetpu.graph import Graph
from edgetpu.layers import layers_of
from edgetpu.memory import MIB, MemoryMap
from edgetpu.traffic import input_bytes, instruction_parts, output_bytes
from edgetpu.work import NOTHING, work_of

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Terms:
    """One network."""

    resident: tuple[float, ...]
    """Work of all layers whose parameters are on the chip, summed."""
    streamed: tuple[tuple[float, ...], ...]
    """Work of each layer whose parameters are sent."""
    streamed_bytes: tuple[float, ...]
    crowding_mib: tuple[float, ...]
    """Activations of each such layer beyond what leaves the stream alone."""
    instructions: tuple[float, ...]
    """What instruction bytes depend on; see `traffic.instruction_parts`."""
    input_bytes: float
    output_bytes: float


def terms_of(graph: Graph, memory: MemoryMap) -> Terms:
    """Return the terms of a network whose parameters are placed; operations on the CPU are left out."""
    layers = layers_of(graph)
    crowding_from = ChipRates().crowding_from_mib
    resident = np.zeros(len(NOTHING))
    streamed, sizes, crowding = [], [], []
    for layer, place in zip(layers, memory.layers, strict=True):
        work = work_of(layer, place.parameter_bytes)
        if place.placement == "streamed":
            streamed.append(tuple(work))
            sizes.append(float(place.parameter_bytes))
            crowding.append(max((layer.in_bytes + layer.out_bytes) / MIB - crowding_from, 0.0))
        elif place.placement == "cached":
            resident += np.asarray(work)
    return Terms(
        resident=tuple(resident),
        streamed=tuple(streamed),
        streamed_bytes=tuple(sizes),
        crowding_mib=tuple(crowding),
        instructions=instruction_parts(layers, memory),
        input_bytes=float(input_bytes(graph)),
        output_bytes=float(output_bytes(graph)),
    )


class TermTable:
    """Many networks' terms as arrays; one row each."""

    def __init__(self, rows: Sequence[Terms]) -> None:
        self.resident = np.array([row.resident for row in rows])
        self.instructions = np.array([row.instructions for row in rows])
        self.input_bytes = np.array([row.input_bytes for row in rows])
        self.output_bytes = np.array([row.output_bytes for row in rows])
        self.owners = np.array([number for number, row in enumerate(rows) for _ in row.streamed], dtype=int)
        self.streamed = np.array([work for row in rows for work in row.streamed]).reshape(-1, len(NOTHING))
        self.streamed_bytes = np.array([size for row in rows for size in row.streamed_bytes])
        self.crowding_mib = np.array([mib for row in rows for mib in row.crowding_mib])

    def milliseconds(self, profile: DeviceProfile) -> Array:
        """Return the time of each network on a device, shape (networks,)."""
        chip = profile.chip
        rates = np.array(chip.rates_ns) * profile.clock_factor
        sent = self.instructions @ np.array(chip.instruction_rates) + self.input_bytes
        total = profile.floor_ms * 1e6 + self.resident @ rates
        total = total + sent * profile.to_chip_ns + self.output_bytes * profile.from_chip_ns
        if self.owners.size:
            slowed = 1 + chip.crowding_per_mib * self.crowding_mib
            stream = self.streamed_bytes * profile.to_chip_ns * slowed
            both = np.maximum(self.streamed @ rates, stream)
            total = total + np.bincount(self.owners, weights=both, minlength=len(total))
        result: Array = total / 1e6
        return result
