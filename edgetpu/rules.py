"""Which operations the chip runs, and why not the others.

The compiler is a delegate of TensorFlow Lite: of the operations that it could run it takes those that can be computed
before any of the others is waited for, as one piece. What comes later stays on the CPU, supported or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import NamedTuple

from edgetpu import op_rules, tensor_rules
from edgetpu.graph import Graph, Op
from edgetpu.memo import LastAnswer
from edgetpu.rulebook import BAD_TYPE, MAPPED, SECOND_PART, UNSPECIFIED, Rule, all_rules


class _Place(Enum):
    """Where an operation runs, and when."""

    CPU_FIRST = 0
    CHIP = 1
    CPU = 2
    TOO_LATE = 3


class OpVerdict(NamedTuple):
    """Whether the chip runs one operation."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    """Position in `Graph.ops`."""
    kind: str
    name: str
    mapped: bool
    reason: str
    """Why not, as a sentence; empty where it is mapped."""
    compiler_status: str
    """What the compiler is expected to print for it."""
    rule: str = ""
    """The rule it breaks, by its name in docs/RULES.md; empty if none."""


_LAST: LastAnswer[tuple[bool, ...]] = LastAnswer()


def map_ops(graph: Graph) -> tuple[OpVerdict, ...]:
    """Return for each operation whether the chip runs it, and why not."""
    broken = _broken_rules(graph)
    places = _places(graph, [one is not None for one in broken])
    return tuple(
        _verdict(graph, index, place, trouble)
        for index, (place, trouble) in enumerate(zip(places, broken, strict=True))
    )


def mapped_ops(graph: Graph) -> tuple[bool, ...]:
    """Return for each operation whether the chip runs it."""
    known = _LAST.get(graph)
    if known is not None:
        return known
    broken = [one is not None for one in _broken_rules(graph)]
    mapped = (True,) * len(broken) if not any(broken) else tuple([p is _Place.CHIP for p in _places(graph, broken)])
    return _LAST.keep(graph, mapped)


def first_obstacle(verdicts: Sequence[OpVerdict]) -> OpVerdict | None:
    """Return the first operation after the chip's part that ends it, or None if nothing comes later."""
    began = False
    for verdict in verdicts:
        began = began or verdict.mapped
        if began and verdict.rule:
            return verdict
    return None


def _broken_rules(graph: Graph) -> list[Rule | None]:
    fine = [tensor_rules.is_fine(tensor) for tensor in graph.tensors]
    return [_broken_rule(graph, op, fine) for op in graph.ops]


def _broken_rule(graph: Graph, op: Op, fine: Sequence[bool]) -> Rule | None:
    general = op.kind not in op_rules.MAPPED_KINDS or op.version > op_rules.NEWEST_VERSIONS.get(op.kind, 1)
    if not general:
        general = not all([fine[index] for index in op.inputs if index >= 0] + [fine[index] for index in op.outputs])
    if general:
        for rule in _rules_for_all():
            if rule.check(graph, op) is not None:
                return rule
    for rule in _rules_for(op.kind):
        if rule.check(graph, op) is not None:
            return rule
    return None


@cache
def _rules_for_all() -> tuple[Rule, ...]:
    return tuple(rule for rule in all_rules() if not rule.kinds)


@cache
def _rules_for(kind: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in all_rules() if kind in rule.kinds)


def _places(graph: Graph, broken: Sequence[bool]) -> list[_Place]:
    """Return for each operation where it runs.

    As TensorFlow Lite cuts a graph for a delegate: if the first operation is the CPU's, then all that the CPU can do
    without the chip comes first; then all that the chip can do without waiting for the CPU; the rest comes too late.
    """
    writer = {tensor: index for index, op in enumerate(graph.ops) for tensor in op.outputs}
    places: list[_Place] = []
    for index, op in enumerate(graph.ops):
        sources = {places[writer[tensor]] for tensor in op.inputs if writer.get(tensor, index) < index}
        if broken[index]:
            first = broken[0] and sources <= {_Place.CPU_FIRST}
            places.append(_Place.CPU_FIRST if first else _Place.CPU)
        else:
            places.append(_Place.CHIP if sources <= {_Place.CPU_FIRST, _Place.CHIP} else _Place.TOO_LATE)
    return places


def _status(op: Op, broken: Rule) -> str:
    """Return the compiler's words; for a QUANTIZE of floating point it has others than for all else (real logs)."""
    return UNSPECIFIED if op.kind == "QUANTIZE" and broken.status == BAD_TYPE else broken.status


def _verdict(graph: Graph, index: int, place: _Place, broken: Rule | None) -> OpVerdict:
    op = graph.ops[index]
    if broken is not None:
        clause = broken.check(graph, op)
        reason = f"{op.kind} runs on the CPU because {clause}. {broken.sentence}"
        return OpVerdict(index, op.kind, op.name, False, reason, _status(op, broken), broken.name)
    if place is _Place.TOO_LATE:
        reason = (
            f"{op.kind} runs on the CPU because it needs the result of an operation that runs there, "
            "and the compiler makes one piece for the chip only."
        )
        return OpVerdict(index, op.kind, op.name, False, reason, SECOND_PART)
    return OpVerdict(index, op.kind, op.name, True, "", MAPPED)
