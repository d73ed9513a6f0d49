"""Find the smallest part of a model on which the compiler breaks down.

The compiler says "Internal compiler error" and nothing else. Half of the operations tells whether the trouble is
there, and so on: first where the part must end, then where it may begin.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgetpu.compiler import Compiler
from edgetpu.errors import CompileFailed
from edgetpu.graph import Op
from edgetpu.submodel import cut_out
from edgetpu.tflite import read_graph, read_model_bytes

_ATTEMPTS = 2
"""Breakdowns that pass at a second try are not what is looked for."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """The smallest run of operations that the compiler does not take."""

    first: int
    """Position of its first operation in the model."""
    ops: tuple[Op, ...]
    attempts: int
    """How many parts were compiled to find it."""

    @property
    def sentence(self) -> str:
        """Where the trouble is, and what to do."""
        if not self.ops:
            return "Every part of the model compiles by itself; try the whole again, or with fewer layers."
        names = ", ".join(f"{op.kind} “{op.name}”" for op in self.ops[:3])
        more = f" and {len(self.ops) - 3} more" if len(self.ops) > 3 else ""
        return (
            f"The compiler breaks down on {names}{more} (operation {self.first} on). Replace or change "
            "these; a scale that is 0 and a very large activation are the most common causes."
        )


def find_culprit(compiler: Compiler, model: Path, *, timeout_s: int = 180) -> Culprit:
    """Return the smallest run of operations of a model that fails to compile.

    Raises:
        BadModel: if the model cannot be read.
        CompilerBusy: if the compiler cannot be run.
    """
    content = read_model_bytes(model)
    ops = read_graph(content).ops
    tried: dict[tuple[int, int], bool] = {}
    with tempfile.TemporaryDirectory(prefix="atoll-") as folder:

        def fails(first: int, last: int) -> bool:
            if (first, last) not in tried:
                part = Path(folder) / f"part_{first}_{last}.tflite"
                part.write_bytes(cut_out(content, first, last))
                tried[first, last] = _fails(compiler, part, Path(folder) / "out", timeout_s)
            return tried[first, last]

        found = smallest_failure(len(ops), fails)
    first, last = found or (0, 0)
    return Culprit(first, ops[first:last], len(tried))


def smallest_failure(length: int, fails: Callable[[int, int], bool]) -> tuple[int, int] | None:
    """Return the smallest range that fails, or None if the whole does not.

    Args:
        length: how many operations there are.
        fails: whether the operations from the first up to, not including, the last fail. A range that holds a failing
            one is taken to fail too.
    """
    if not length or not fails(0, length):
        return None
    last = _first_true(1, length, lambda end: fails(0, end))
    first = last - _first_true(1, last, lambda size: fails(last - size, last))
    return first, last


def _first_true(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the smallest number for which something holds, if it holds for `high` and for all above a limit."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _fails(compiler: Compiler, model: Path, out_dir: Path, timeout_s: int) -> bool:
    try:
        compiler.compile([model], out_dir, timeout_s=timeout_s, attempts=_ATTEMPTS)
    except CompileFailed:
        return True
    return False
