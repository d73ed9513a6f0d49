"""The accuracy × latency chart: from trials to what its SVG template draws. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.runs.words import bare_ms, percent

WIDTH, HEIGHT = 480, 330
LEFT, RIGHT, TOP, BOTTOM = 66, 14, 22, 52
FAR_LIMIT = 2.5
"""A limit this many times beyond the slowest point would squeeze the points together: it is only pointed at."""


@dataclass(frozen=True, slots=True)
class Point:
    """A network to draw."""

    number: int
    latency_ms: float
    low_ms: float
    high_ms: float
    accuracy: float
    """int8, on the validation split, 0 to 1."""
    best: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled line across the chart."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point where it is drawn."""

    number: int
    x: float
    y: float
    low_x: float
    high_x: float
    best: bool
    on_front: bool
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the template draws, in the units of the view box."""

    marks: tuple[Mark, ...]
    front: str
    """An SVG path through the networks that no other one beats in both directions."""
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    limit_x: float | None
    """Where the latency limit stands; None where it lies beyond the right edge."""
    limit_label: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM

    @property
    def summary(self) -> str:
        """What the chart shows, in one sentence for people who do not see it."""
        best = next((mark for mark in self.marks if mark.best), None)
        networks = "1 network" if len(self.marks) == 1 else f"{len(self.marks)} networks"
        return f"{networks} by estimated latency and accuracy. " + (f"Best: {best.title}." if best else "")


def pareto(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other one beats in accuracy without being slower, fastest first."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.latency_ms, -p.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return front


def chart_of(points: Sequence[Point], limit_ms: float) -> Chart | None:
    """Return the chart, or None while there is nothing to draw."""
    if not points:
        return None
    slowest = max(point.high_ms for point in points)
    far = limit_ms > FAR_LIMIT * slowest
    x_steps = steps(0.0, slowest * 1.25 if far else max(slowest, limit_ms) * 1.08)
    y_steps = _accuracy_steps([point.accuracy for point in points])

    def x(ms: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(ms / x_steps[-1], 1.0), 1)

    def y(accuracy: float) -> float:
        share = (100 * accuracy - y_steps[0]) / (y_steps[-1] - y_steps[0])
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share, 1)

    front = pareto(points)
    marks = [
        Mark(p.number, x(p.latency_ms), y(p.accuracy), x(p.low_ms), x(p.high_ms), p.best, p in front, _title(p))
        for p in sorted(points, key=lambda p: (p.best, p.latency_ms, p.number))  # what comes last lies on top
    ]
    return Chart(
        marks=tuple(marks),
        front=_stairs([(x(p.latency_ms), y(p.accuracy)) for p in front]),
        x_ticks=tuple(Tick(x(value), f"{value:g}") for value in x_steps),
        y_ticks=tuple(Tick(y(value / 100), f"{value:g} %") for value in y_steps),
        limit_x=None if far else x(limit_ms),
        limit_label=f"limit {limit_ms:g} ms" + (" →" if far else ""),
    )


def steps(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round values, evenly spaced by 1, 2 or 5 times a power of ten, from below `low` to above `high`."""
    rough = max(high - low, 1e-9) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def _accuracy_steps(accuracies: Sequence[float]) -> list[float]:
    """Return the percentages at which lines are drawn: around the points, never beyond 0 to 100 %."""
    low, high = 100 * min(accuracies), 100 * max(accuracies)
    room = max((high - low) * 0.15, 1.0)
    return steps(max(0.0, low - room), min(100.0, high + room), wanted=4)


def _stairs(corners: Sequence[tuple[float, float]]) -> str:
    """Return a path that goes right, then up: between two networks only the slower one's time buys more accuracy."""
    if len(corners) < 2:
        return ""
    path = [f"M{corners[0][0]} {corners[0][1]}"]
    path += [f"H{x}V{y}" for x, y in corners[1:]]
    return "".join(path)


def _title(point: Point) -> str:
    band = f"{bare_ms(point.low_ms)}–{bare_ms(point.high_ms)}"
    return f"Trial {point.number}: {percent(point.accuracy)} int8, {bare_ms(point.latency_ms)} ms estimated ({band})"
