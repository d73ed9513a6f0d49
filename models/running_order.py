"""The order in which Keras runs the parallel paths of a cell, and so the order of operations in a converted file.

It matters where parameters exceed the chip's memory: the compiler keeps layers in the file's order. Keras runs what is
farthest from the output first; of what is equally far, whatever its walk back from the output met first.

Source: `map_graph` of keras.src.ops.function, Keras 3.15; a test compares the order with converted files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_Step = tuple[int, int]
"""A node's position and one of the Keras layers that it consists of."""


def running_order(inputs: Sequence[Sequence[int]], lengths: Sequence[int]) -> list[int]:
    """Return the positions of nodes in the order in which their last Keras layers run.

    Args:
        inputs: for each node the positions it reads; −1 is what goes into the cell. The last node is the output.
        lengths: for each node the number of Keras layers that it consists of.
    """
    walk = _Walk(inputs, lengths)
    last = len(lengths) - 1
    walk.back_from((last, lengths[last] - 1))
    distances: dict[_Step, int] = {}
    for step in reversed(walk.finished):
        distance = distances.setdefault(step, 0)
        for parent in walk.parents(step):
            distances[parent] = max(distance + 1, distances.get(parent, 0))
    farthest_first = sorted(distances, key=lambda step: -distances[step])  # equals stay in the order they were met
    return [node for node, part in farthest_first if part == lengths[node] - 1]


@dataclass
class _Walk:
    """A walk from the output back to the input, each step finished after all that it reads."""

    inputs: Sequence[Sequence[int]]
    lengths: Sequence[int]
    finished: list[_Step] = field(default_factory=list)

    def parents(self, step: _Step) -> list[_Step]:
        node, part = step
        if part:
            return [(node, part - 1)]
        return [(each, self.lengths[each] - 1) for each in self.inputs[node] if each >= 0]

    def back_from(self, step: _Step) -> None:
        if step not in self.finished:
            for parent in self.parents(step):
                self.back_from(parent)
            self.finished.append(step)
