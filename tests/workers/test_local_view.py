from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from models.architecture import Architecture, Block
from search.problem import Goal
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState
from workers.local import Found, Standing
from workers.local_view import View, conclusion_of, picture_of, seconds_left

SPEC = SearchSpec(classes=3, image_px=32, latency_limit_ms=2, device="devboard", trials=6)
NETWORK = Architecture("efficientnet_edgetpu", 32, 8, (Block("fused", 3, 2, 16, 8),), 16)
DONE = TrialRecord(1, NETWORK, TrialState.DONE, 0.91, 0.92, latency_ms=0.43, seconds=60.0)
RUNNING = TrialRecord(2, NETWORK, TrialState.RUNNING, latency_ms=0.39)
TRAINING = {"phase": "Training", "epoch": 6, "epochs": 24, "eta_s": 40.0}


def shown(what: Any) -> str:
    console = Console(file=StringIO(), width=160)
    console.print(what)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def standing(*records: TrialRecord, spec: SearchSpec = SPEC, seconds: float = 90.0) -> Standing:
    doing = {record.number: TRAINING for record in records if record.state == TrialState.RUNNING}
    return Standing(spec, records, doing, {2: "To learn what networks of about 0.4 ms can do."}, seconds)


def test_a_terminal_shows_what_is_tried_and_why_the_best_so_far_and_the_time_left() -> None:
    text = shown(picture_of(standing(DONE, RUNNING)))
    assert "1 trials ended, 1 in work" in text
    assert "best so far 91.0 % int8, 0.43 ms estimated" in text
    assert "trial 2: To learn what networks of about 0.4 ms can do." in text
    assert "Training 6 of 24 epochs" in text
    assert "about 5 min to the last trial's end" in text  # 40 s, and four trials of a minute


def test_the_best_so_far_have_a_star() -> None:
    slower, worse = replace(DONE, number=2, validation_accuracy=0.95, latency_ms=0.8), replace(DONE, number=3)
    worse = replace(worse, validation_accuracy=0.9, latency_ms=0.9)
    for goal, starred in ((Goal.TARGET, ["2*"]), (Goal.FRONT, ["1*", "2*"])):
        text = shown(picture_of(standing(DONE, slower, worse, spec=replace(SPEC, objective=goal))))
        assert [word for word in text.split() if word.endswith("*")] == starred


def test_the_time_left_goes_by_trials_or_by_the_minutes_if_those_end_first() -> None:
    assert seconds_left(standing(RUNNING)) is None
    assert seconds_left(standing(DONE, RUNNING)) == pytest.approx(40 + 4 * 60)
    two = replace(RUNNING, number=3)
    assert seconds_left(standing(DONE, RUNNING, two)) == pytest.approx((80 + 3 * 60) / 2)
    hasty = replace(SPEC, trials=500, minutes=5)
    assert seconds_left(standing(DONE, RUNNING, spec=hasty)) == 5 * 60 - 90
    assert seconds_left(standing(DONE, RUNNING, spec=hasty, seconds=400)) == 0


def test_where_nobody_looks_each_trial_that_ended_is_one_line() -> None:
    console = Console(file=StringIO(), width=160)
    failed = replace(RUNNING, state=TrialState.FAILED, message="Its loss is no longer a number.")
    with View(console=console) as view:
        view.checking({"phase": "Looking at pictures", "done": 1, "total": 2})
        view.say("Networks learn from nothing.")
        view.changed(standing(DONE, RUNNING))
        view.changed(standing(DONE, failed))
    assert isinstance(console.file, StringIO)
    start, first, second = console.file.getvalue().splitlines()
    assert start == "Networks learn from nothing."
    assert first.startswith("trial 1: 91.0 % int8 on the validation split (92.0 % float), 0.43 ms estimated, 32 px, 60")
    assert second == "trial 2 failed: Its loss is no longer a number."


def test_the_end_says_what_was_found_how_sure_that_is_and_where_the_files_are() -> None:
    validation = {"int8_accuracy": 0.9, "float_accuracy": 0.91, "pictures": 1200, "interval": (0.88, 0.92)}
    files = {"model_int8.tflite": "out/best/model_int8.tflite"}
    best = {"trial": 1, "latency_ms": 0.43, "files": files, "validation": validation}
    other = {**best, "trial": 2, "latency_ms": 0.3}
    longer = {
        "sentence": "Trained again for 15 instead of 5 epochs: 91.0 instead of 90.0 % of the validation pictures."
    }
    result = {**best, "quantization": {"final_training": longer}, "front": [other, best]}
    found = Found(SPEC, (DONE,), DONE, {name: Path(path) for name, path in files.items()}, result)
    text = shown(conclusion_of(found))
    assert "Trial 1 is the best: 90.0 % of 1,200 test pictures in int8" in text
    assert "0.43 ms on a" in text
    assert "estimated" in text
    assert longer["sentence"] in text
    assert "The files are in out/best." in text
    assert "The best at each latency" in text
