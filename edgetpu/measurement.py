"""What was measured, as values, and how two sets of outputs are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from edgetpu.devices import Clock, Link


@dataclass(frozen=True, slots=True)
class Measurement:
    """How long a model took on a real Edge TPU."""

    runs: int
    p50_ms: float
    p95_ms: float
    mean_ms: float
    std_ms: float
    host: str
    link: Link | None
    clock: Clock | None
    software: str
    """What drove the chip: pycoral or LiteRT."""
    runtime_version: str
    times_ms: tuple[float, ...]
    origin: Literal["measured"] = "measured"

    @property
    def fps(self) -> float:
        """Inferences per second, one after the other."""
        return 1000 / self.mean_ms

    def as_json(self) -> dict[str, Any]:
        """Return the object that `atoll measure --json` prints."""
        return {"fps": self.fps, **asdict(self)}


@dataclass(frozen=True, slots=True)
class BitMatch:
    """How far the outputs of two machines differ on the same images."""

    images: int
    max_difference: float
    """Largest difference of one output value, in steps of its integer."""
    equal_share: float
    """Share of output values that are equal."""
    top1_agreement: float
    """Share of images with the same best class."""

    def as_json(self) -> dict[str, Any]:
        """Return the object that `atoll measure --json` prints."""
        return asdict(self)


def summarize(
    times_ms: Sequence[float],
    *,
    host: str,
    link: Link | None,
    clock: Clock | None,
    software: str = "",
    runtime_version: str = "",
) -> Measurement:
    """Return the figures of a series of runs."""
    series = np.asarray(times_ms, dtype=float)
    return Measurement(
        runs=len(series),
        p50_ms=float(np.percentile(series, 50)),
        p95_ms=float(np.percentile(series, 95)),
        mean_ms=float(series.mean()),
        std_ms=float(series.std()),
        host=host,
        link=link,
        clock=clock,
        software=software,
        runtime_version=runtime_version,
        times_ms=tuple(float(one) for one in series),
    )


def compare_outputs(first: np.ndarray, second: np.ndarray) -> BitMatch:
    """Return how far two sets of outputs differ.

    Args:
        first: (images, values), integers.
        second: the same images in the same order.
    """
    difference = np.abs(first.astype(np.float64) - second.astype(np.float64))
    return BitMatch(
        images=len(first),
        max_difference=float(difference.max(initial=0.0)),
        equal_share=float((difference == 0).mean()) if difference.size else 1.0,
        top1_agreement=float((first.argmax(axis=1) == second.argmax(axis=1)).mean()) if len(first) else 1.0,
    )
