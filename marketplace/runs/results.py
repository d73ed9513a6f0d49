"""What a run found, out of its JSON columns, ready to be shown. Pure; what is missing stays missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.runs import words

MATRIX_CLASSES = 20
"""A larger confusion matrix is told by its most frequent mistakes only."""
MISTAKES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar."""

    name: str
    css: str
    byte_count: float
    share: float
    """0 to 100."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One form of the network, and how often it is right."""

    form: str
    share: float
    note: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """Pictures of one class that were taken for another."""

    truth: str
    answer: str
    pictures: int
    share: float
    """Of all pictures of the true class."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the confusion matrix."""

    pictures: int
    percent: int
    """Of all pictures of the row's class."""
    right: bool


def memory_parts(estimate: Mapping[str, Any]) -> list[Part]:
    """Return where the parameters are: kept on the chip, sent at each inference; and what is free on the chip."""
    named = (
        ("cached on the chip", "cached", "cached_bytes"),
        ("streamed at each inference", "streamed", "streamed_bytes"),
        ("free on the chip", "free", "remaining_bytes"),
    )
    counts = [(name, css, words.as_number(estimate.get(key))) for name, css, key in named]
    known = [(name, css, count) for name, css, count in counts if count is not None]
    total = sum(count for _, _, count in known)
    if not total:
        return []
    return [Part(name, css, count, round(100 * count / total, 2)) for name, css, count in known]


def accuracies(validation: Mapping[str, Any]) -> list[Accuracy]:
    """Return float, int8 and uint8 side by side, as far as they were found."""
    named = (
        ("float", "float_accuracy", "as trained"),
        ("int8", "int8_accuracy", "model_int8.tflite, on the CPU"),
        ("uint8", "uint8_accuracy", "model_uint8.tflite, on the CPU"),
        ("int8, balanced", "balanced_int8_accuracy", "every class counts the same"),
    )
    found = [(form, words.as_number(validation.get(key)), note) for form, key, note in named]
    return [Accuracy(form, share, note) for form, share, note in found if share is not None]


def points_lost(validation: Mapping[str, Any]) -> float | None:
    """Return how many percentage points int8 lies below float; negative where it is better."""
    whole, small = (words.as_number(validation.get(key)) for key in ("float_accuracy", "int8_accuracy"))
    return None if whole is None or small is None else round(100 * (whole - small), 2) + 0.0


def interval(validation: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the interval of the int8 accuracy, 0 to 1."""
    bounds = validation.get("interval")
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        return None
    low, high = (words.as_number(bound) for bound in bounds)
    return None if low is None or high is None else (low, high)


def per_class(validation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the classes, the one that is found least often first."""
    rows = [row for row in validation.get("per_class") or [] if isinstance(row, Mapping)]
    return sorted(rows, key=lambda row: (words.as_number(row.get("recall")) is None, row.get("recall") or 0))


def class_names(validation: Mapping[str, Any]) -> list[str]:
    """Return the classes in the order of the confusion matrix."""
    return [str(row.get("name", "")) for row in validation.get("per_class") or [] if isinstance(row, Mapping)]


def matrix(validation: Mapping[str, Any]) -> list[tuple[str, list[Cell]]]:
    """Return the confusion matrix row by row; empty where it is missing or too large to read."""
    counts, names = _counts(validation), class_names(validation)
    if not counts or len(counts) > MATRIX_CLASSES:
        return []
    return [
        (name, [Cell(count, round(100 * count / max(1, sum(row))), at == place) for place, count in enumerate(row)])
        for at, (name, row) in enumerate(zip(names, counts, strict=True))
    ]


def mistakes(validation: Mapping[str, Any]) -> list[Mistake]:
    """Return the most frequent mistakes."""
    counts, names = _counts(validation), class_names(validation)
    found = [
        Mistake(names[truth], names[answer], count, count / sum(row))
        for truth, row in enumerate(counts)
        for answer, count in enumerate(row)
        if truth != answer and count
    ]
    return sorted(found, key=lambda mistake: (-mistake.pictures, -mistake.share))[:MISTAKES_SHOWN]


def _counts(validation: Mapping[str, Any]) -> list[Sequence[int]]:
    """Return the matrix if it is square and has a name for every class."""
    rows = validation.get("confusion") or []
    size = len(class_names(validation))
    square = len(rows) == size and all(len(row) == size for row in rows)
    return list(rows) if square else []
