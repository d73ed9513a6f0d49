"""What a rule is, and the book that every rule is entered in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Protocol

from edgetpu.graph import Graph, Op

MAPPED = "Mapped to Edge TPU"
NOT_SUPPORTED = "Operation not supported"
BAD_TYPE = "Operation is working on an unsupported data type"
BAD_VERSION = "Operation version not supported"
BAD_RANK = "Tensor has unsupported rank (up to 3 innermost dimensions mapped)"
BAD_STRIDES = "Only Strided-Slice with unitary strides supported"
UNSPECIFIED = "Operation is otherwise supported, but not mapped due to some unspecified limitation"
SECOND_PART = "More than one subgraph is not supported"
NOT_CONSTANT = "Filter, bias, or other param is not constant at compile-time"
NOT_PRECISE = "Image-interpolation layer won't run precisely enough on Edge TPU"
TWO_DIMENSIONS = "For example, a fully-connected or softmax layer with 2D output"
"""The compiler's own status words.

Source: real logs of versions 1.0 to 16.0; the last three from google-coral/edgetpu issues 25, 63 and 27.
"""


class Check(Protocol):
    """Says what is wrong with an operation, as a clause that follows "because"; None if nothing is."""

    __name__: str
    __code__: CodeType

    def __call__(self, graph: Graph, op: Op, /) -> str | None:
        """Judge one operation."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition for an operation to be mapped."""

    name: str
    sentence: str
    kinds: tuple[str, ...]
    """The kinds of operation that it is about; empty for all."""
    status: str
    """What the compiler prints for an operation that breaks it."""
    evidence: str
    """The log or file that shows it; empty if it is only recalled from Coral's documentation."""
    check: Check
    about_tensors: bool
    line: int
    """Where it stands in its file."""


_RULES: list[Rule] = []


def rule(*kinds: str, status: str = UNSPECIFIED, evidence: str = "") -> Callable[[Check], Check]:
    """Make a function a rule for some kinds of operation, or for all."""

    def enter(check: Check) -> Check:
        sentence = " ".join((check.__doc__ or "").split())
        about_tensors = check.__module__.endswith("tensor_rules")
        line = check.__code__.co_firstlineno
        _RULES.append(Rule(check.__name__, sentence, kinds, status, evidence, check, about_tensors, line))
        return check

    return enter


def all_rules() -> tuple[Rule, ...]:
    """Return every rule in the order in which they are tried: for all operations first, tensors before options."""
    return tuple(sorted(_RULES, key=lambda entry: (bool(entry.kinds), not entry.about_tensors, entry.line)))
