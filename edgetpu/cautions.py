"""When an estimate of time is less certain than its band says, as sentences."""

from __future__ import annotations

from collections.abc import Sequence

from edgetpu.devices import ChipRates
from edgetpu.layers import RECURRENT, Layer
from edgetpu.memory import MIB, MemoryMap

DOUBT_BYTES = MIB
"""Around the capacity, so much more or less may be kept on the chip."""
_LARGE_OUTPUT_BYTES = 500_000
_CROWDING_FROM_MIB = ChipRates().crowding_from_mib
_NEAR_CAPACITY = (
    "The parameters are within 1 MiB of the chip's memory: whether some are streamed is decided by the compiler, and "
    "the time changes with it."
)
_CROWDED = "{count} streamed layers have activations above 3 MiB: by how much that slows streaming rests on one source."
_ON_CPU = "{count} operations run on the host's processor; their time is a rough guess."


def cautions(layers: Sequence[Layer], memory: MemoryMap, ms: float, output_bytes: int) -> tuple[str, ...]:
    """Return what makes an estimate doubtful; empty for an ordinary network."""
    on_cpu = sum([place.placement == "cpu" for place in memory.layers])
    crowded = 0
    if memory.streamed_bytes:
        crowded = sum(
            place.placement == "streamed" and layer.in_bytes + layer.out_bytes > _CROWDING_FROM_MIB * MIB
            for layer, place in zip(layers, memory.layers, strict=True)
        )
    doubts = (
        (abs(memory.parameter_bytes - memory.capacity_bytes) <= DOUBT_BYTES, _NEAR_CAPACITY),
        (crowded > 0, _CROWDED.format(count=crowded)),
        (ms < 1, "Below 1 ms the host matters more than the network: expect 0.3 ms more or less."),
        (output_bytes > _LARGE_OUTPUT_BYTES, "Outputs above 0.5 MB differ much between hosts: calibrate the device."),
        (any(layer.work == RECURRENT for layer in layers), "Recurrent layers were not part of the fit."),
        (on_cpu > 0, _ON_CPU.format(count=on_cpu)),
    )
    return tuple([sentence for doubtful, sentence in doubts if doubtful])
