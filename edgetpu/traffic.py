"""What is sent over the link at every inference beside parameters: instructions, inputs, outputs."""

from __future__ import annotations

from collections.abc import Sequence

from edgetpu.graph import Graph
from edgetpu.layers import DENSE, POINTWISE, SPATIAL, Layer, activation_bytes
from edgetpu.memory import MIB, MemoryMap

_ARITHMETIC = frozenset((POINTWISE, SPATIAL, DENSE))


def instruction_parts(layers: Sequence[Layer], memory: MemoryMap) -> tuple[float, float, float, float, float]:
    """Return what the bytes of instructions depend on; `ChipRates.instruction_rates` has a factor for each.

    They are: 1 for a network with anything but dense layers, its convolutions and dense layers, its activations in
    MiB; and for networks of dense layers alone: 1, their number.
    """
    on_chip = [layer for layer, place in zip(layers, memory.layers, strict=True) if place.placement != "cpu"]
    if not on_chip:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    arithmetic = float(sum([layer.work in _ARITHMETIC for layer in on_chip]))
    if all(layer.work == DENSE for layer in on_chip):
        return 0.0, 0.0, 0.0, 1.0, arithmetic
    return 1.0, arithmetic, sum([layer.out_bytes for layer in on_chip]) / MIB, 0.0, 0.0


def input_bytes(graph: Graph) -> int:
    """Return the bytes of input per inference; they are not padded."""
    return sum([graph.tensors[index].elements for index in graph.inputs])


def output_bytes(graph: Graph) -> int:
    """Return the bytes of output per inference, channels padded to 4."""
    return sum([activation_bytes(graph.tensors[index]) for index in graph.outputs])
