"""What compiler and device say of some networks counts for all of a search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from search.choice import best_of, front_of
from search.correction import correction_of, holding, proven
from search.cost import cost_of
from search.propose import next_proposal, propose
from search.space import holds_limits
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState

SPEC = SearchSpec(classes=10, image_px=32, latency_limit_ms=0.6, device="usb3", training_pictures=1257)


def tried(*accuracies: float) -> list[TrialRecord]:
    found: list[TrialRecord] = []
    for number, accuracy in enumerate(accuracies, 1):
        network = propose(SPEC, found)
        assert network is not None
        latency_ms = cost_of(SPEC, network).latency_ms
        found.append(TrialRecord(number, network, TrialState.DONE, accuracy, accuracy, latency_ms))
    return found


def compiled(cached: int, streamed: int = 0, *, mapped: bool = True) -> dict[str, Any]:
    model = {"cached_bytes": cached, "streamed_bytes": streamed}
    return {"state": "compiled", "sentence": "Compiled.", "fully_mapped": mapped, "report": {"models": [model]}}


def measured(ms: float, link: str = "usb3", clock: str | None = "max") -> dict[str, Any]:
    return {"state": "measured", "p50_ms": ms, "link": link, "clock": clock}


def test_what_was_measured_and_compiled_is_part_of_the_trial() -> None:
    [trial] = tried(0.9)
    known = proven(SPEC.device, trial, compiled(5000), measured(0.7))
    assert (known.compiled_bytes, known.refused, known.measured_ms) == (5000, "", 0.7)
    assert TrialRecord.from_json(known.to_json()) == known
    assert proven(SPEC.device, trial, {}, {}) == trial
    without = {"state": "not_measured", "sentence": "Not measured."}
    assert proven(SPEC.device, trial, {"state": "not_compiled", "sentence": "Not compiled."}, without) == trial


@pytest.mark.parametrize(
    ("measurement", "counts"),
    [
        (measured(0.7), True),
        (measured(0.7, clock=None), True),
        (measured(0.7, clock="std"), False),
        (measured(0.7, link="usb2"), False),
        (measured(0.7, link="pcie"), False),
    ],
)
def test_only_a_device_that_is_reached_as_the_one_asked_for_says_anything(
    measurement: dict[str, Any], counts: bool
) -> None:
    [trial] = tried(0.9)
    assert (proven(SPEC.device, trial, compiled(5000), measurement).measured_ms is not None) == counts


def test_a_network_that_was_measured_above_the_limit_is_not_the_best() -> None:
    first, second = tried(0.9, 0.8)
    slow = replace(first, measured_ms=0.61)
    assert best_of(SPEC, [first, second]) == first
    fast = replace(second, measured_ms=0.5)
    assert best_of(SPEC, [slow, fast]) == fast
    assert front_of(SPEC, [slow, fast]) == [fast]


def test_where_nothing_holds_the_limits_the_best_is_still_named() -> None:
    first, second = (replace(each, measured_ms=0.7) for each in tried(0.9, 0.8))
    assert best_of(SPEC, [first, second]) == first


def test_a_network_that_was_not_measured_counts_by_what_was_measured_of_others() -> None:
    first, second = tried(0.9, 0.8)
    near = replace(SPEC, latency_limit_ms=1.05 * (first.latency_ms or 0))
    other = replace(second, measured_ms=1.1 * (second.latency_ms or 0))
    assert holding(near, [first, second]) == [first, second]
    assert holding(near, [first, other]) == [other]


@pytest.mark.parametrize(
    ("compilation", "sentence"),
    [
        (compiled(5000, 2048), "streams 2.0 KiB"),
        (compiled(5000, mapped=False), "to the CPU"),
        ({"state": "failed", "sentence": "The compiler refuses it."}, "The compiler refuses it."),
    ],
)
def test_what_is_not_wholly_on_the_chip_is_not_chosen_and_says_why(compilation: dict[str, Any], sentence: str) -> None:
    first, second = tried(0.9, 0.8)
    refused = proven(SPEC.device, first, compilation, {})
    assert sentence in refused.refused
    assert best_of(SPEC, [refused, second]) == second


def test_bytes_of_the_compiler_move_the_limit_on_memory() -> None:
    [trial] = tried(0.9)
    cost = cost_of(SPEC, trial.architecture)
    larger = replace(trial, compiled_bytes=2 * cost.parameter_bytes)
    correction = correction_of(SPEC, [larger])
    assert (correction.latency, correction.memory) == (1, 2)
    tight = replace(SPEC, onchip_limit_bytes=round(1.5 * cost.parameter_bytes))
    assert holds_limits(tight, trial.architecture)
    assert not holds_limits(tight, trial.architecture, correction)


def test_what_turned_out_to_be_too_slow_is_not_what_later_networks_must_beat() -> None:
    history = tried(0.95, 0.6, 0.62, 0.61, 0.63)
    seen = [replace(each, measured_ms=each.latency_ms) for each in history]
    slow = [replace(seen[0], measured_ms=0.7), *seen[1:]]
    plain, found = next_proposal(SPEC, seen), next_proposal(SPEC, slow)
    assert getattr(found, "expected_gain", 0) > getattr(plain, "expected_gain", 1)
