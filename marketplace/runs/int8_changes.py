"""What int8 changed of a run's network, out of its JSON columns. Pure; what is missing stays missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.runs.words import as_number

CLASSES_SHOWN = 8
_KINDS: Mapping[str, str] = {
    "CONV_2D": "convolution",
    "DEPTHWISE_CONV_2D": "depthwise convolution",
    "FULLY_CONNECTED": "fully connected",
    "ADD": "addition",
    "MEAN": "global mean",
    "CONCATENATION": "concatenation",
    "MAX_POOL_2D": "pooling",
    "AVERAGE_POOL_2D": "pooling",
}


@dataclass(frozen=True, slots=True)
class ClassChange:
    """A class that is found more or less often than by the float network."""

    name: str
    before: float
    after: float

    @property
    def points(self) -> str:
        """The change in percentage points, with its sign."""
        return f"{100 * (self.after - self.before):+.1f}".replace("-", "−")


@dataclass(frozen=True, slots=True)
class LayerError:
    """A layer, and how far rounding is off."""

    name: str
    kind: str
    error_share: float
    """Of the size of its output."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to int8 that was tried."""

    method: str
    accuracy: float
    distance: float | None
    """Between its probabilities and those of the float network, on average; None where that was not looked at."""
    chosen: bool

    @property
    def points_off(self) -> str:
        """The distance in points, as text; two digits, because ways that correct well differ in the second."""
        return "–" if self.distance is None else f"{100 * self.distance:.2f}"


@dataclass(frozen=True, slots=True)
class Int8Changes:
    """Everything that the page says of it."""

    reason: str
    ways: tuple[Way, ...]
    classes: tuple[ClassChange, ...]
    more_classes: int
    """Classes that changed too, less than those."""
    layers: tuple[LayerError, ...]


def int8_changes(quantization: Any, validation: Any) -> Int8Changes | None:
    """Return what int8 changed, or None where nothing of it is known."""
    classes = _classes(_rows(validation, "class_changes"))
    layers = tuple(_layers(_rows(quantization, "worst_layers")))
    ways = tuple(_ways(quantization))
    if not (classes or layers or ways):
        return None
    reason = quantization.get("reason") if isinstance(quantization, Mapping) else ""
    shown, more = classes[:CLASSES_SHOWN], max(0, len(classes) - CLASSES_SHOWN)
    return Int8Changes(str(reason or ""), ways, tuple(shown), more, layers)


def _rows(found: Any, key: str) -> list[Mapping[str, Any]]:
    rows = found.get(key) if isinstance(found, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else []


def _classes(rows: list[Mapping[str, Any]]) -> list[ClassChange]:
    """Return the changes, the largest in either direction first."""
    pairs = ((str(row.get("name", "")), as_number(row.get("before")), as_number(row.get("after"))) for row in rows)
    known = [ClassChange(name, one, other) for name, one, other in pairs if one is not None and other is not None]
    return sorted(known, key=lambda change: -abs(change.after - change.before))


def _layers(rows: list[Mapping[str, Any]]) -> list[LayerError]:
    named = ((str(row.get("name", "")), str(row.get("kind", "")), as_number(row.get("error_share"))) for row in rows)
    return [LayerError(name, _KINDS.get(kind, kind), share) for name, kind, share in named if share is not None]


def _ways(quantization: Any) -> list[Way]:
    rows = _rows(quantization, "tried")
    chosen = quantization.get("way") if rows else ""
    named = ((row, as_number(row.get("validation_accuracy"))) for row in rows)
    return [
        Way(str(row.get("method", "")), share, as_number(row.get("distance")), row.get("way") == chosen)
        for row, share in named
        if share is not None
    ]
