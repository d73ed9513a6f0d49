"""What a search in a terminal keeps, and what a training of it begins with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from search.trial import TrialRecord, TrialState
from tests.search.test_distillation import network
from workers.local_folder import TRIAL_FILE, KeptTrial, keep_trial, kept_trials, start_of, trial_folder

TRIAL = TrialRecord(3, network(64), TrialState.RUNNING)


def test_a_training_begins_with_the_searchs_weights_or_another_trials_and_may_have_a_teacher(tmp_path: Path) -> None:
    published = tmp_path / "weights.tflite"
    assert start_of(tmp_path, TRIAL, None) == {}
    assert start_of(tmp_path, TRIAL, published) == {"parent": str(published)}
    checkpoints = {number: str(trial_folder(tmp_path, number) / "checkpoint.keras") for number in (1, 2)}
    taught = start_of(tmp_path, replace(TRIAL, teacher=1), published)
    assert taught == {"parent": str(published), "teacher": checkpoints[1]}
    begun = start_of(tmp_path, replace(TRIAL, parent=2), None)
    assert begun == {"parent": checkpoints[2], "knows_pictures": True}


def test_a_trial_is_read_as_it_was_written(tmp_path: Path) -> None:
    kept = KeptTrial(replace(TRIAL, teacher=1), "Trial 1 teaches it.", 61.5)
    trial_folder(tmp_path, 3).mkdir(parents=True)
    keep_trial(tmp_path, kept)
    assert kept_trials(tmp_path) == [kept]


def test_a_trial_of_an_older_version_says_nothing_of_the_time(tmp_path: Path) -> None:
    keep_trial(tmp_path, KeptTrial(TRIAL, "", 61.5))
    file = trial_folder(tmp_path, 3) / TRIAL_FILE
    content = json.loads(file.read_text())
    del content["passed_s"]
    file.write_text(json.dumps(content))
    assert kept_trials(tmp_path) == [KeptTrial(TRIAL, "", 0.0)]
