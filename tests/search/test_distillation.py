"""Which finished trial teaches a new network, and that it learns what the teacher knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.architecture import Architecture, Block
from models.backbones import BACKBONES
from models.families import FAMILIES
from search.distillation import as_last, teacher_of
from search.progress import Progress
from search.propose import Proposal, next_proposal
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState
from tests.search.pictures import write_pictures

FAMILY = FAMILIES["mobilenet_v2"]
SPEC = SearchSpec(
    classes=3, image_px=128, latency_limit_ms=2.0, device="devboard", training_pictures=300, trial_minutes=30.0,
    families=("mobilenet_v2",), backbone=next(iter(BACKBONES)),
)  # fmt: skip


def network(px: int, width: float = 1.0) -> Architecture:
    """Return MobileNet v2 at a resolution, whole or narrower."""
    chosen = {name: values[-1] for name, values in FAMILY.choices(px).items()} | {"resolution": px}
    return FAMILY.build(chosen | {name: width for name in chosen if name.endswith("_width")})


def trial(number: int, shape: Architecture, accuracy: float | None, state: TrialState = TrialState.DONE) -> TrialRecord:
    rungs = () if accuracy is None else (accuracy / 2, accuracy)
    return TrialRecord(number, shape, state, accuracy, accuracy, 0.5, rung_accuracies=rungs)


def test_the_whole_network_that_is_right_most_often_teaches_what_is_cut_out_of_it() -> None:
    history = [trial(1, network(128), 0.95), trial(2, network(64), 0.9), trial(3, network(96), 0.96)]
    assert teacher_of(SPEC, history, network(96, 0.5)) == 3
    assert teacher_of(SPEC, history[:2], network(96, 0.5)) == 1


def test_of_teachers_that_are_as_good_the_one_with_the_smallest_pictures_teaches() -> None:
    history = [trial(1, network(128), 0.95), trial(2, network(64), 0.94), trial(3, network(96), 0.97)]
    assert teacher_of(SPEC, history[:2], network(96, 0.5)) == 2
    assert teacher_of(SPEC, history, network(96, 0.5)) == 3, "two points are a lead"
    pupil = trial(4, network(96, 0.75), 0.925)
    assert teacher_of(SPEC, [*history[:2], pupil], network(96, 0.5)) == 1, "the small one is not ahead of its pupils"


def test_who_has_come_as_far_learns_from_labels_alone() -> None:
    whole, cut = trial(1, network(128), 0.95), trial(2, network(96, 0.5), 0.9)
    assert teacher_of(SPEC, [whole, cut], network(96, 0.75)) == 1
    assert teacher_of(SPEC, [whole, replace(cut, float_accuracy=0.94)], network(96, 0.75)) is None
    stopped = replace(cut, float_accuracy=0.94, rung_accuracies=(0.94,))
    assert teacher_of(SPEC, [whole, stopped], network(96, 0.75)) == 1


def test_a_longer_training_learns_from_who_came_to_his_end_after_the_trial_began() -> None:
    early, chosen = trial(2, network(64), 0.9), replace(trial(3, network(96, 0.5), 0.91), teacher=2)
    late = trial(1, network(128), 0.95)
    assert as_last(SPEC, [late, early, chosen], chosen).teacher == 1
    assert as_last(SPEC, [early, chosen], chosen).teacher is None, "it has left its teacher behind"
    better = trial(4, network(96, 0.75), 0.94)
    assert as_last(SPEC, [late, early, chosen, better], chosen).teacher == 1, "another pupil's accuracy is not its own"


def test_a_whole_network_of_small_pictures_learns_from_one_of_larger_pictures_in_the_longer_training() -> None:
    small, large = replace(trial(2, network(64), 0.82), seconds=100.0), trial(1, network(128), 0.88)
    last = as_last(SPEC, [large, small], small)
    assert last.teacher == 1
    assert last.seconds is not None
    assert 110 < last.seconds < 300
    assert as_last(SPEC, [large, small], large) == large
    assert as_last(SPEC, [replace(large, float_accuracy=0.83), small], small).teacher is None, "two points are a lead"
    assert as_last(replace(SPEC, backbone=""), [large, small], small) == small


def test_a_longer_training_takes_the_time_of_its_own_teacher() -> None:
    early, late = trial(2, network(64), 0.8), trial(1, network(128), 0.95)
    chosen = replace(trial(3, network(64, 0.25), 0.85), teacher=2, seconds=100.0)
    slower = as_last(SPEC, [late, early, chosen], chosen).seconds
    assert slower is not None
    assert 130 < slower < 400
    same = replace(chosen, teacher=1)
    assert as_last(SPEC, [late, early, same], same).seconds == 100
    clever = replace(same, float_accuracy=0.94)
    untaught = as_last(SPEC, [late, early, clever], clever).seconds
    assert untaught is not None
    assert untaught < 80, "nobody is ahead of it any more"
    assert as_last(SPEC, [late, chosen], replace(chosen, seconds=None)).seconds is None


@pytest.mark.parametrize(
    "useless",
    [
        trial(1, network(128), None, TrialState.RUNNING),
        trial(1, network(128), None, TrialState.FAILED),
        replace(trial(1, network(128), 0.9), rung_accuracies=(0.9,)),
        replace(trial(1, network(128), 0.9), float_accuracy=None),
        trial(1, network(128, 0.75), 0.9),
    ],
)
def test_what_is_cut_or_has_not_learned_to_its_end_teaches_nothing(useless: TrialRecord) -> None:
    assert teacher_of(SPEC, [useless], network(96, 0.5)) is None


def test_trials_of_the_whole_network_and_searches_from_scratch_learn_from_labels_alone() -> None:
    history = [trial(1, network(128), 0.95)]
    assert teacher_of(SPEC, history, network(96)) is None
    assert teacher_of(replace(SPEC, backbone=""), history, network(96, 0.5)) is None


def test_a_proposal_says_who_teaches_it() -> None:
    history = [trial(1, network(128), 0.95), trial(2, network(64), 0.9)]
    third = next_proposal(SPEC, history)
    assert isinstance(third, Proposal)
    assert third.teacher == 1
    assert third.reason.endswith("Trial 1 teaches it.")
    assert third.to_json()["teacher"] == 1


@pytest.mark.slow
def test_a_network_learns_what_its_teacher_knows_where_labels_say_nothing(tmp_path: Path) -> None:
    from search.train import train

    shape = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8),), 16)
    dataset = write_pictures(tmp_path / "data")
    teacher = train(shape, dataset, tmp_path / "teacher", seed=1, epochs=20)
    assert teacher.validation_accuracy > 0.8
    labels = np.arange(len(dataset.train)) // 3 % 3  # as often right as each way of being wrong
    splits = {**dataset.splits, "train": replace(dataset.train, labels=labels)}
    blind = replace(dataset, splits=splits)
    pupil = replace(shape, image_px=8)

    alone = train(pupil, blind, tmp_path / "alone", seed=2, epochs=20)
    taught = train(pupil, blind, tmp_path / "taught", seed=2, epochs=20, teacher=teacher.checkpoint)

    assert alone.validation_accuracy < 0.6
    assert taught.validation_accuracy > 0.75
    said: list[Progress] = []
    train(pupil, blind, tmp_path / "taught", seed=2, epochs=20, teacher=alone.checkpoint, on_progress=said.append)
    assert said[0].epoch == 0, "another teacher begins another training"
