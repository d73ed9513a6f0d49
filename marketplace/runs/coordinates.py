"""Parallel coordinates: every trial as a line through its choices, from trials to what the SVG template draws. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.runs.choices import Tried, Value, importances, title_of, value_text, varying
from marketplace.runs.words import percent

WIDTH, HEIGHT = 960, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 60, 46, 16
MOST_AXES = 7
"""More choices than that make a thicket; those that explain most are shown."""
ACCURACY = "int8 accuracy"


@dataclass(frozen=True, slots=True)
class Mark:
    """A value on an axis."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """One choice, or at the right the accuracy."""

    x: float
    where: str
    """Which part of the network: "stage 3"; empty for the whole of it."""
    what: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One trial."""

    number: int
    points: str
    best: bool
    title: str


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Everything that the template draws, in the units of the view box."""

    axes: tuple[Axis, ...]
    lines: tuple[Line, ...]
    left_out: int
    """Choices that varied too but have no axis."""
    width: int = WIDTH
    height: int = HEIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def coordinates_of(tried: Sequence[Tried], best: int | None = None) -> Coordinates | None:
    """Return the picture, or None while there are fewer than two trials that differ.

    Args:
        tried: the trials to draw.
        best: the number of the trial that the run calls its best; the line of that one lies on top.
    """
    names = varying(tried)
    if len(tried) < 2 or not names:
        return None
    shown = _shown(names, tried)
    places = [_placed([each.choices.get(name) for each in tried]) for name in shown]
    low, high = min(each.accuracy for each in tried), max(each.accuracy for each in tried)
    step = (WIDTH - LEFT - RIGHT) / len(shown)
    axes = [
        Axis(round(LEFT + step * position, 1), *_two_lines(title_of(name)), tuple(_marks(place)))
        for position, (name, place) in enumerate(zip(shown, places, strict=True))
    ]
    ends = dict.fromkeys((high, low))
    axes.append(
        Axis(WIDTH - RIGHT, "", ACCURACY, tuple(Mark(_y(_share(end, low, high)), percent(end)) for end in ends))
    )
    lines = []
    for each in sorted(tried, key=lambda one: (one.number == best, one.accuracy)):
        ys = [place[each.choices.get(name)] for name, place in zip(shown, places, strict=True)]
        points = [*ys, _y(_share(each.accuracy, low, high))]
        path = " ".join(f"{axis.x},{y}" for axis, y in zip(axes, points, strict=True))
        lines.append(Line(each.number, path, each.number == best, _title(each, shown)))
    return Coordinates(tuple(axes), tuple(lines), len(names) - len(shown))


def _two_lines(title: str) -> tuple[str, str]:
    where, _, what = title.rpartition(": ")
    return where, what


def _shown(names: Sequence[str], tried: Sequence[Tried]) -> list[str]:
    """Return the choices that get an axis, in the order of the space."""
    ranked = [each.name for each in importances(tried)]
    rest = [name for name in names if name not in ranked]
    kept = set([*ranked, *rest][:MOST_AXES])
    return [name for name in names if name in kept]


def _placed(values: Sequence[Value | None]) -> dict[Value | None, float]:
    """Return where each value stands: evenly spaced, small ones at the bottom."""
    different = sorted(set(values), key=lambda value: (value is not None, isinstance(value, str), value or 0))
    last = max(1, len(different) - 1)
    return {value: _y(position / last) for position, value in enumerate(different)}


def _marks(places: dict[Value | None, float]) -> list[Mark]:
    return [Mark(y, value_text(value)) for value, y in places.items()]


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _title(tried: Tried, shown: Sequence[str]) -> str:
    chosen = ", ".join(f"{title_of(name)} {value_text(tried.choices.get(name))}" for name in shown)
    return f"Trial {tried.number}: {percent(tried.accuracy)} int8; {chosen}"
