"""What Coral's compiler and an attached Edge TPU say of networks that were tried, and what follows for others. Pure.

A device of its own kind, its host and its clock change all latencies alike more than one by one, so one factor is what
a few measurements can tell; the same is true of the compiler's bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from edgetpu.devices import DEVICES, is_reached_alike
from search.cost import cost_of
from search.spec import SearchSpec
from search.trial import TrialRecord

COMPILED, REFUSED, MEASURED = "compiled", "failed", "measured"
"""States of a compilation and of a measurement, as workers write them down, where they say something of a network."""


@dataclass(frozen=True, slots=True)
class Correction:
    """By what the estimates of one search are multiplied: the median of what was found over what was estimated."""

    latency: float = 1.0
    memory: float = 1.0
    """Of parameter bytes."""


AS_ESTIMATED = Correction()
"""What holds as long as nothing was compiled or measured."""


def correction_of(spec: SearchSpec, history: Sequence[TrialRecord]) -> Correction:
    """Return what the trials so far say about the estimates of this search."""
    costs = {record.number: cost_of(spec, record.architecture) for record in history}
    latencies = [each.measured_ms / costs[each.number].latency_ms for each in history if each.measured_ms]
    sizes = [each.compiled_bytes / costs[each.number].parameter_bytes for each in history if each.compiled_bytes]
    return Correction(median(latencies) if latencies else 1.0, median(sizes) if sizes else 1.0)


def proven(
    device: str, record: TrialRecord, compilation: Mapping[str, Any], measurement: Mapping[str, Any]
) -> TrialRecord:
    """Return a trial with what the compiler and a device said of its network.

    Args:
        device: a key of `edgetpu.devices.DEVICES`; measurements count where a device is reached alike.
        record: the trial.
        compilation: `state`, `sentence`, `report` as `CompileReport` in plain values; empty where nothing was compiled.
        measurement: `state`, `p50_ms`, `link`, `clock`; empty where nothing was measured.
    """
    measured = measurement.get("state") == MEASURED and is_reached_alike(
        DEVICES[device], measurement.get("link"), measurement.get("clock")
    )
    measured_ms = float(measurement["p50_ms"]) if measured else None
    compiled = compilation.get("state") == COMPILED
    return replace(
        record,
        refused=_refusal(compilation),
        compiled_bytes=sum(_parameter_bytes(compilation)) or None if compiled else None,
        measured_ms=measured_ms,
    )


def _parameter_bytes(compilation: Mapping[str, Any]) -> tuple[int, int]:
    """Return the parameters that the compiler keeps on the chip, and those that it streams."""
    models = compilation.get("report", {}).get("models") or [{}]
    return int(models[0].get("cached_bytes") or 0), int(models[0].get("streamed_bytes") or 0)


def _refusal(compilation: Mapping[str, Any]) -> str:
    """Return why a network is not wholly on the chip, as a sentence; empty where it is, or nothing was compiled."""
    if compilation.get("state") == REFUSED:
        return str(compilation.get("sentence", ""))
    _, streamed = _parameter_bytes(compilation)
    if streamed:
        return f"The compiler streams {streamed / 1024:,.1f} KiB of its parameters at every inference."
    if compilation.get("fully_mapped") is False:
        return "The compiler leaves some of its operations to the CPU."
    return ""


def holding(spec: SearchSpec, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials that ended well and hold the limits by all that is known; where none does, all that ended well.

    A network that was measured counts by its measurement, another one by its corrected estimate.
    """
    ended = [record for record in records if record.finished_well]
    correction = correction_of(spec, ended)
    return [record for record in ended if broken_limit(spec, record, correction) == ""] or ended


def broken_limit(spec: SearchSpec, record: TrialRecord, correction: Correction) -> str:
    """Return which limit a network breaks by what was compiled and measured in its search, in words; empty for none.

    As long as nothing was, every network that was proposed holds all limits, by estimate.
    """
    limit_ms = spec.latency_limit_ms
    if record.refused:
        return record.refused
    if record.measured_ms is not None:
        slow = record.measured_ms > limit_ms
        return f"It was measured at {record.measured_ms:.2f} ms, above the limit of {limit_ms:g} ms." if slow else ""
    if correction.latency == AS_ESTIMATED.latency:
        return ""
    expected_ms = correction.latency * cost_of(spec, record.architecture).latency_ms
    if expected_ms <= limit_ms:
        return ""
    return f"By what was measured of others it takes about {expected_ms:.2f} ms, above the limit of {limit_ms:g} ms."
