from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from search.errors import LimitImpossible, SearchError, TrialFailed
from search.progress import Progress
from search.propose import Proposal, next_proposal, propose
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState
from tests.search.pictures import write_pictures

pytestmark = pytest.mark.slow

SPEC = SearchSpec(
    classes=3, image_px=16, latency_limit_ms=0.36, device="devboard", trials=2, training_pictures=72, trial_minutes=0.05
)


def test_the_oracle_proposes_what_propose_proposes_after_the_same_records(tmp_path: Path) -> None:
    from search.tuner import next_proposal_after

    spec, history = replace(SPEC, trials=5), list[TrialRecord]()
    states = [(TrialState.DONE, 0.5), (TrialState.FAILED, None), (TrialState.DONE, 0.7), (TrialState.RUNNING, None)]
    for number, (state, accuracy) in enumerate(states, 1):
        proposal = next_proposal_after(spec, history, tmp_path / str(number))
        assert proposal == next_proposal(spec, history)
        assert isinstance(proposal, Proposal)
        history.append(TrialRecord(number, proposal.architecture, state, accuracy))
    assert len({record.architecture.key for record in history}) == 4


def test_no_network_is_named_once_the_ordered_trials_are_used_up(tmp_path: Path) -> None:
    from search.tuner import TRIALS_USED_UP, next_proposal_after

    first = propose(SPEC, [])
    assert first is not None
    record = TrialRecord(1, first, TrialState.DONE, 0.5)
    second = propose(SPEC, [record])
    assert second is not None
    used_up = next_proposal_after(SPEC, [record, TrialRecord(2, second, TrialState.FAILED)], tmp_path)
    assert used_up == TRIALS_USED_UP


def test_a_whole_search_ends_with_files_and_honest_figures_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    from search.tuner import search

    dataset = write_pictures(tmp_path / "data")
    said: list[Progress] = []

    class Stopped(BaseException):
        """Ends the process in the second trial, as kill does."""

    def stop_in_second_trial(progress: Progress) -> None:
        said.append(progress)
        if [each.epoch for each in said].count(0) == 2 and progress.epoch == 1:
            raise Stopped

    with pytest.raises(Stopped):
        search(dataset, SPEC, tmp_path / "out", on_progress=stop_in_second_trial, epochs=8)
    again: list[Progress] = []
    found = search(dataset, SPEC, tmp_path / "out", on_progress=again.append, epochs=8)
    assert again[0].epoch == 1
    assert [progress.step for progress in again] == ["training"] * 8 + ["quantizing", "judging"]
    assert [record.state for record in found.history] == ["done", "done"]
    assert all(len(record.rung_accuracies) == 2 for record in found.history), "too few to stop any at the rung"
    assert found.best.validation_accuracy == max(record.validation_accuracy or 0 for record in found.history)
    assert found.best.latency_ms <= SPEC.latency_limit_ms
    assert found.validation["n"] == 72
    assert found.validation["int8_uint8_agreement"] == 1.0
    assert found.validation["int8"]["accuracy"] > 0.6
    assert all(path.is_file() for path in [found.files.int8, found.files.uint8, *found.best.artifacts.values()])
    json.dumps([found.validation, found.best.to_json(), found.files.to_json()], allow_nan=False)


def test_the_best_network_learns_for_longer_before_its_files_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from search import train, tuner
    from search.schedule import Schedule

    monkeypatch.setattr(train, "schedule_for", lambda pictures, epochs=None: Schedule(24, epochs or 1, 8, 4e-3))
    dataset = write_pictures(tmp_path / "data", per_class=8)
    found = tuner.search(dataset, replace(SPEC, trials=1, training_pictures=24), tmp_path / "out")
    assert found.longer is not None
    assert (found.longer.trial_epochs, found.longer.epochs) == (1, 3)
    assert (tmp_path / "out" / "training" / "checkpoint.keras").is_file()


def test_a_failed_trial_does_not_fail_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from search import judge, tuner

    real, calls = judge.train, []

    def fail_once(*arguments: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise TrialFailed("The training came apart: its loss is no longer a number.")
        return real(*arguments, **named)

    monkeypatch.setattr(judge, "train", fail_once)
    dataset = write_pictures(tmp_path / "data", per_class=8)
    found = tuner.search(dataset, replace(SPEC, training_pictures=24), tmp_path / "out", epochs=1)
    assert [record.state for record in found.history] == ["failed", "done"]


def test_a_search_whose_trials_all_fail_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from search import judge, tuner

    def fail(*_: object, **__: object) -> object:
        raise TrialFailed("The training came apart: its loss is no longer a number.")

    monkeypatch.setattr(judge, "train", fail)
    with pytest.raises(SearchError, match="No trial of this search came to an end"):
        tuner.search(write_pictures(tmp_path / "data", per_class=2), SPEC, tmp_path / "out")


def test_an_impossible_search_trains_nothing(tmp_path: Path) -> None:
    from search.tuner import search

    with pytest.raises(LimitImpossible, match="the fastest for 16 px pictures"):
        search(write_pictures(tmp_path), replace(SPEC, latency_limit_ms=0.1), tmp_path / "out")
    assert not (tmp_path / "out").exists()
