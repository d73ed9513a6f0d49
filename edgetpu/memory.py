"""How many bytes each layer's parameters take on the chip, and which layers are kept there.

The compiler stores weights in blocks of channels, with a header per channel (bias, and per-channel multipliers).
What does not fit into the chip's memory is sent anew at every inference, whole layers at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from edgetpu.graph import Graph
from edgetpu.layers import DENSE, DEPTHWISE, POINTWISE, SPATIAL, Layer, layers_of, rounded_up
from edgetpu.memo import LastAnswer
from edgetpu.rules import mapped_ops

MIB = 2**20
DEFAULT_CAPACITY_BYTES = int(7.7 * MIB)
"""On-chip memory for parameters that a network with ordinary activations gets.

Source: used + remaining in logs of compilers 1.0 to 16.0: mostly 6.9–7.9 MiB, less when activations are large.
"""
LATEST_COMPILER = 16
SOFTMAX_TABLES_SINCE = 16
"""Compiler version from which a SOFTMAX brings parameters of its own. Source: compiled files of 2021-05 and 2021-07."""

_SOFTMAX_ROWS, _SOFTMAX_TABLES = 16, 3
"""A SOFTMAX sums its values with three dense tables of one output, stored as blocks of 16.

Source: the bytes added to the blob of 2021-07 are those tables, 48,256 for 1001 values; other lengths were not seen.
"""

Placement = Literal["cached", "streamed", "cpu"]
_FIRST_KEPT = {DEPTHWISE: 0, POINTWISE: 1, DENSE: 1}
_HUGE_DENSE_BYTES = 2**19
_TILES = 16


class LayerMemory(NamedTuple):
    """Where the parameters of one operation are."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    """Position in `Graph.ops`."""
    name: str
    kind: str
    parameter_bytes: int
    """As the compiler pads them; 0 on the CPU, and for operations without parameters."""
    placement: Placement
    """Kept on the chip, sent at every inference, or not the chip's business."""


@dataclass(frozen=True)
class MemoryMap:
    """The parameters of a network in the chip's memory."""

    layers: tuple[LayerMemory, ...]
    capacity_bytes: int

    @cached_property
    def cached_bytes(self) -> int:
        """Bytes that stay on the chip."""
        return sum([layer.parameter_bytes for layer in self.layers if layer.placement == "cached"])

    @cached_property
    def streamed_bytes(self) -> int:
        """Bytes that are sent to the chip at every inference."""
        return sum([layer.parameter_bytes for layer in self.layers if layer.placement == "streamed"])

    @property
    def parameter_bytes(self) -> int:
        """All bytes of parameters that the compiled file holds for the chip."""
        return self.cached_bytes + self.streamed_bytes

    @property
    def remaining_bytes(self) -> int:
        """On-chip memory left for other networks compiled together with this one."""
        return max(self.capacity_bytes - self.cached_bytes, 0)


_LAST: LastAnswer[MemoryMap] = LastAnswer()


def memory_map(
    graph: Graph, capacity_bytes: int = DEFAULT_CAPACITY_BYTES, *, compiler_version: int = LATEST_COMPILER
) -> MemoryMap:
    """Return the memory that each operation's parameters take and where they are kept.

    Args:
        graph: a network, with or without weights.
        capacity_bytes: on-chip memory for parameters; networks compiled earlier in the same call take theirs first.
        compiler_version: the compiler's major version.
    """
    question = (capacity_bytes, compiler_version)
    known = _LAST.get(graph, question)
    return _LAST.keep(graph, _memory_map(graph, *question), question) if known is None else known


def _memory_map(graph: Graph, capacity_bytes: int, compiler_version: int) -> MemoryMap:
    layers = layers_of(graph)
    mapped = mapped_ops(graph)
    sizes = [
        parameter_bytes(layer, op.kind, compiler_version) if on_chip else 0
        for layer, op, on_chip in zip(layers, graph.ops, mapped, strict=True)
    ]
    streamed = streamed_layers(layers, sizes, capacity_bytes)
    return MemoryMap(
        tuple(
            [
                LayerMemory(
                    index,
                    op.name,
                    op.kind,
                    size,
                    "cpu" if not on_chip else "streamed" if index in streamed else "cached",
                )
                for index, (op, size, on_chip) in enumerate(zip(graph.ops, sizes, mapped, strict=True))
            ]
        ),
        capacity_bytes,
    )


@lru_cache(maxsize=65536)
def parameter_bytes(layer: Layer, kind: str, compiler_version: int = LATEST_COMPILER) -> int:
    """Return the bytes that one layer's parameters take on the chip.

    Source: fitted to compiled files of 2019 to 2022, exact to the byte on those with convolutions.
    """
    header = 12 if layer.per_channel else 4
    if layer.work == DEPTHWISE:
        return rounded_up(layer.out_channels, 4) * (header + 4 * layer.taps)
    if layer.work in (SPATIAL, POINTWISE, DENSE):
        return padded_outputs(layer.out_channels) * (header + layer.taps * rounded_up(layer.in_channels, 4))
    if kind == "SOFTMAX" and compiler_version >= SOFTMAX_TABLES_SINCE:
        return _SOFTMAX_ROWS * (4 + _SOFTMAX_TABLES * rounded_up(layer.out_channels, 4))
    return layer.weights


def padded_outputs(channels: int) -> int:
    """Return the output channels that the compiler stores for a number of them.

    One output alone takes 4; few take blocks of 16, more than 64 take blocks of 64.
    """
    if channels == 1:
        return 4
    return rounded_up(channels, 16 if channels <= 64 else 64)


def streamed_layers(layers: Sequence[Layer], sizes: Sequence[int], capacity_bytes: int) -> frozenset[int]:
    """Return the positions of the layers that do not stay on the chip.

    If not all fit, depthwise layers are kept first, then 1×1 and dense ones, then the rest; of one sort the largest
    first, while they fit; a layer is kept or streamed as a whole.

    Source: a compiled file of 2020 that shares the chip keeps exactly these; micro-benchmarks agree.
    """
    if sum(sizes) <= capacity_bytes:
        return frozenset()
    order = sorted(
        (i for i, size in enumerate(sizes) if size), key=lambda i: (_FIRST_KEPT.get(layers[i].work, 2), -sizes[i], i)
    )
    left, streamed = capacity_bytes, set()
    for index in order:
        if sizes[index] <= left and not _never_kept(layers[index]):
            left -= sizes[index]
        else:
            streamed.add(index)
    return frozenset(streamed)


def _never_kept(layer: Layer) -> bool:
    """Whether a dense layer is too large for one tile's share, and so streamed even where there is room."""
    if layer.work != DENSE:
        return False
    share = -(-padded_outputs(layer.out_channels) // (64 * _TILES)) * 64 * (12 + rounded_up(layer.in_channels, 4))
    return share > _HUGE_DENSE_BYTES
