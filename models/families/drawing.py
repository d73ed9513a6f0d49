"""Cells drawn step by step: parallel paths of convolutions and poolings that are joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from models.architecture import Block
from models.cells import Node, NodeKind
from models.layers import Padding

Kernel = int | tuple[int, int]


class Drawing:
    """A cell in the making. Each method adds a node and returns its position; 0 is what goes into the cell."""

    def __init__(self, channels: int) -> None:
        """Begin with the number of channels that go in."""
        self._nodes: list[Node] = []
        self._channels = [channels]

    def convolve(self, x: int, filters: int, kernel: Kernel = 1, *, stride: int = 1, padding: Padding = "same") -> int:
        """Add a convolution with the network's activation."""
        return self._add(Node("convolution", (x,), filters, _window(kernel), stride, padding), filters)

    def max_pool(self, x: int, kernel: int = 3, *, stride: int = 2, padding: Padding = "same") -> int:
        """Add the maximum over windows."""
        return self._pool("max_pool", x, kernel, stride, padding)

    def average_pool(self, x: int, kernel: int = 3, *, stride: int = 1) -> int:
        """Add the average over windows."""
        return self._pool("average_pool", x, kernel, stride, "same")

    def join(self, *parts: int) -> int:
        """Put the channels of several nodes one after the other."""
        return self._add(Node("concatenation", parts), sum(self._channels[part] for part in parts))

    def block(self) -> Block:
        """Return the cell; what it gives is the last node's output."""
        return Block("cell", 1, 1, 0, self._channels[-1], skip=False, nodes=tuple(self._nodes))

    def _pool(self, kind: NodeKind, x: int, kernel: int, stride: int, padding: Padding) -> int:
        return self._add(Node(kind, (x,), 0, _window(kernel), stride, padding), self._channels[x])

    def _add(self, node: Node, channels: int) -> int:
        self._nodes.append(node)
        self._channels.append(channels)
        return len(self._nodes)


Draw = Callable[[Drawing], int]
"""What draws a cell; it returns the position of the last node."""


def drawn(cells: Iterable[Draw], channels: int) -> tuple[Block, ...]:
    """Return one block for each cell, each reading what the one before gives."""
    blocks: list[Block] = []
    for draw in cells:
        drawing = Drawing(channels)
        draw(drawing)
        blocks.append(drawing.block())
        channels = blocks[-1].filters
    return tuple(blocks)


def _window(kernel: Kernel) -> tuple[int, int]:
    return (kernel, kernel) if isinstance(kernel, int) else kernel
