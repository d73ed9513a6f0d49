"""The order in which a converted file holds the parallel paths of a cell. Pure.

It matters where parameters exceed the chip's memory: the compiler keeps layers in the file's order. TensorFlow's
converter sorts operations so that each follows what it reads; a path is finished before the next begins, and of the
paths that begin at one place, the one whose first operation has the smaller name comes first.

Source: `GetReversePostOrder` by names in tensorflow/compiler/mlir/tensorflow/translate/import_model.cc; a test compares
the order with converted files.
"""

from __future__ import annotations

from collections.abc import Sequence

_START = -1


def running_order(inputs: Sequence[Sequence[int]]) -> list[int]:
    """Return the positions of a cell's nodes in the order in which the converted file holds them.

    Args:
        inputs: for each node the positions that it reads; −1 is what goes into the cell. Names grow with positions.
    """
    readers: dict[int, list[int]] = {position: [] for position in range(_START, len(inputs))}
    for node, read in enumerate(inputs):
        for each in read:
            readers[each].append(node)
    finished: dict[int, None] = {}  # in order, the last path first
    _finish(_START, readers, finished)
    return [node for node in reversed(finished) if node != _START]


def _finish(node: int, readers: dict[int, list[int]], finished: dict[int, None]) -> None:
    for reader in reversed(readers[node]):
        if reader not in finished:
            _finish(reader, readers, finished)
    finished[node] = None
