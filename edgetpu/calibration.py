"""Fit a device profile to a user's own measurements, and say how well it then predicts.

Each rate of the profile gets a factor. Factors stay near 1 unless the measurements say otherwise: how far each may
stray is its prior, so that ten measurements improve a profile and none ruins it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from edgetpu.devices import DeviceProfile
from edgetpu.errors import BadMeasurements
from edgetpu.graph import Graph
from edgetpu.memory import DEFAULT_CAPACITY_BYTES, memory_map
from edgetpu.terms import Array, Terms, TermTable, terms_of
from edgetpu.tflite import read_graph

HOST_PRIORS: Mapping[str, float] = MappingProxyType({"floor_ms": 0.7, "to_chip_ns": 0.3, "from_chip_ns": 0.5})
"""Standard deviation of the logarithm of each factor: hosts differ much in their floor, links less."""
CHIP_PRIORS: Mapping[str, float] = MappingProxyType(
    {
        "cycle_ns": 0.05,
        "tap_ns": 0.15,
        "pool_us": 0.3,
        "pass_us": 0.4,
        "pass_ns": 0.5,
        "parameter_ns": 0.15,
        "window_us": 0.7,
        "layer_instruction_bytes": 0.5,
    }
)
"""The same for the chip: all chips are alike, what varies is how well the form fits a kind of network."""

ALL_PRIORS: Mapping[str, float] = MappingProxyType({**HOST_PRIORS, **CHIP_PRIORS})

_NOISE = 0.03
"""Measurements of one laboratory scatter by about so much, as a logarithm."""
_STEP = 1e-4
_ROUNDS = 12
_MOST_FOLDS = 10
_SMALLEST_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class Observation:
    """One measured network."""

    name: str
    terms: Terms
    measured_ms: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted profile, and how far it is off on measurements that it did not see."""

    profile: DeviceProfile
    observations: int
    error_before: float
    """Median relative error of the profile one began with."""
    error_after: float
    """Median relative error of the fitted profile, each measurement predicted from the others."""
    error_90_after: float
    """Nine in ten are within this relative error, each predicted from the others."""

    @property
    def improved(self) -> bool:
        """Whether the measurements made predictions better."""
        return self.error_after < self.error_before

    def as_json(self) -> dict[str, Any]:
        """Return the object that `atoll calibrate --json` prints."""
        return {"improved": self.improved, **asdict(self)}


def calibrate(observations: Sequence[Observation], start: DeviceProfile, key: str = "calibrated") -> Calibration:
    """Return a profile fitted to measurements of one device.

    Args:
        observations: at least three measured networks; unlike ones tell more than many alike.
        start: the profile nearest to the device.
        key: the new profile's name.

    Raises:
        BadMeasurements: if there are fewer than three.
    """
    if len(observations) < 3:
        raise BadMeasurements("At least three measured models are needed to calibrate a device; ten are better.")
    rows = [observation.terms for observation in observations]
    measured = np.array([observation.measured_ms for observation in observations])
    table = TermTable(rows)
    before = np.abs(table.milliseconds(start) / measured - 1)
    held_out = _held_out(rows, measured, start)
    after = np.abs(held_out / measured - 1)
    spread = max(float(np.sqrt(np.mean(np.log(held_out / measured) ** 2))), _SMALLEST_SPREAD)
    fitted = fit_profile(table, measured, start)
    profile = replace(
        fitted, key=key, spread=spread, measurements=len(rows), origin=f"calibrated with {len(rows)} measurements"
    )
    return Calibration(profile, len(rows), *map(float, (np.median(before), np.median(after), np.quantile(after, 0.9))))


def fit_profile(
    table: TermTable, measured: Array, start: DeviceProfile, priors: Mapping[str, float] = ALL_PRIORS
) -> DeviceProfile:
    """Return the most probable profile: measurements against priors, outliers counting less.

    Args:
        table: the networks.
        measured: milliseconds, shape (networks,).
        start: the profile to begin with, and to stay near.
        priors: the rates that may change, and by how much.
    """
    names, spreads = list(priors), np.array(list(priors.values()))
    target = np.log(measured)
    factors = np.zeros(len(names))

    def off(at: Array) -> Array:
        result: Array = np.log(table.milliseconds(scaled(start, names, at))) - target
        return result

    for _ in range(_ROUNDS):
        residual = off(factors)
        slopes = np.stack([(off(factors + step) - residual) / _STEP for step in np.eye(len(names)) * _STEP], axis=1)
        weights = 1 / (_NOISE**2 * np.sqrt(1 + (residual / (2 * _NOISE)) ** 2))
        curvature = slopes.T @ (weights[:, None] * slopes) + np.diag(spreads**-2.0)
        pull = slopes.T @ (weights * residual) + factors / spreads**2
        change = np.clip(np.linalg.solve(curvature, pull), -0.5, 0.5)
        factors = factors - change
        if np.abs(change).max() < _STEP:
            break
    return scaled(start, names, factors)


def scaled(profile: DeviceProfile, names: Sequence[str], logarithms: Array) -> DeviceProfile:
    """Return a profile whose named rates are multiplied by the exponentials of some numbers."""
    factors = dict(zip(names, np.exp(logarithms), strict=True))
    host = {name: getattr(profile, name) * float(factors[name]) for name in factors if name in HOST_PRIORS}
    chip = {name: getattr(profile.chip, name) * float(factors[name]) for name in factors if name not in HOST_PRIORS}
    return replace(profile, **host, chip=replace(profile.chip, **chip) if chip else profile.chip)


def observe(name: str, graph: Graph, measured_ms: float, capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> Observation:
    """Return the observation of one network."""
    return Observation(name, terms_of(graph, memory_map(graph, capacity_bytes)), measured_ms)


def read_measurements(path: Path) -> tuple[Observation, ...]:
    """Return the measurements in a CSV file with the columns `model` and `latency_ms`.

    A model is the path of its .tflite file before compilation, from the CSV file's folder.

    Raises:
        BadMeasurements: if a column, a number or a model is wrong; it says in which line.
        BadModel: if a model cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadMeasurements(f"The measurements in {path.name} cannot be read: {error}.") from error
    if not lines or not {"model", "latency_ms"} <= lines[0].keys():
        raise BadMeasurements("The measurements need a header line with the columns model and latency_ms.")
    return tuple(_observation(path.parent, number, line) for number, line in enumerate(lines, 2))


def _observation(folder: Path, number: int, line: Mapping[str, str | None]) -> Observation:
    model = folder / (line["model"] or "")
    try:
        milliseconds = float(line["latency_ms"] or "")
    except ValueError:
        milliseconds = -1.0
    if not (isfinite(milliseconds) and milliseconds > 0):
        raise BadMeasurements(f"Line {number}: “{line['latency_ms']}” is not a time in milliseconds.")
    if not model.is_file():
        raise BadMeasurements(f"Line {number}: there is no model file {line['model']}.")
    return observe(model.name, read_graph(model), milliseconds)


def _held_out(rows: Sequence[Terms], measured: Array, start: DeviceProfile) -> Array:
    """Return each network's time as predicted by a profile that was fitted without it."""
    folds = min(len(rows), _MOST_FOLDS) if len(rows) > 3 * _MOST_FOLDS else len(rows)
    predicted = np.empty(len(rows))
    for fold in range(folds):
        out = np.arange(len(rows)) % folds == fold
        kept = [row for row, left_out in zip(rows, out, strict=True) if not left_out]
        profile = fit_profile(TermTable(kept), measured[~out], start)
        predicted[out] = TermTable([row for row, left_out in zip(rows, out, strict=True) if left_out]).milliseconds(
            profile
        )
    return predicted
