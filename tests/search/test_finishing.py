from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from models.architecture import Architecture
from search.dataset import Dataset
from search.errors import TrialFailed
from search.progress import Progress
from search.schedule import MOST_TUNING_EPOCHS, Schedule, schedule_for, tuning_schedule_for
from search.space import space_of
from search.spec import SearchSpec
from tests.search.pictures import write_pictures

if TYPE_CHECKING:
    from search.train import Trained

SPEC = SearchSpec(classes=3, image_px=16, latency_limit_ms=0.6, device="devboard", training_pictures=72)
SHORT = Schedule(72, 2, 8, 4e-3)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return write_pictures(tmp_path / "data")


def test_what_knows_pictures_or_was_shown_few_times_is_trained_for_longer() -> None:
    assert tuning_schedule_for(3000).longer_epochs == 3 * tuning_schedule_for(3000).epochs
    assert tuning_schedule_for(602).longer_epochs == 3 * MOST_TUNING_EPOCHS
    assert schedule_for(1257).longer_epochs == 0
    assert schedule_for(20_000).longer_epochs == 24


def test_a_longer_training_ends_in_its_time_or_is_left_out() -> None:
    schedule = tuning_schedule_for(3000)
    assert schedule.longer_within(2.5 * schedule.epochs) == int(2.5 * schedule.epochs)
    assert schedule.longer_within(1.4 * schedule.epochs) == 0
    assert schedule.longer_within(100 * schedule.epochs) == schedule.longer_epochs


@pytest.fixture
def network() -> Architecture:
    space = space_of(SPEC)
    return space.family.build(space.smallest)


@pytest.fixture
def trial(network: Architecture, dataset: Dataset, tmp_path: Path) -> Trained:
    """A short training."""
    from search.train import train

    return train(network, dataset, tmp_path / "trial", seed=1, epochs=2)


@pytest.mark.slow
def test_the_chosen_network_learns_for_longer_from_the_same_start(
    network: Architecture, trial: Trained, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from search import finishing

    monkeypatch.setattr(finishing, "schedule_of", lambda *_, **__: SHORT)
    said: list[Progress] = []
    found = finishing.finish(network, dataset, trial.checkpoint, tmp_path / "longer", seed=1, on_progress=said.append)
    assert said[-1].epoch == found.epochs == 6
    assert found.trial_accuracy == pytest.approx(trial.validation_accuracy)
    assert found.accuracy is not None
    assert found.kept
    assert found.checkpoint.parent.name == "longer"
    assert found.sentence.startswith("Trained again for 6 instead of 2 epochs: ")
    assert found.to_json()["sentence"] == found.sentence

    in_time = replace(SHORT, most_epochs=5)
    monkeypatch.setattr(finishing, "schedule_of", lambda *_, **__: in_time)
    path = tmp_path / "in time"
    shorter = finishing.finish(network, dataset, trial.checkpoint, path, seed=1, trial_seconds=2.0, most_seconds=4.5)
    assert shorter.epochs == 4

    long_enough = Schedule(72, 4, 8, 4e-3, most_epochs=4)
    monkeypatch.setattr(finishing, "schedule_of", lambda *_, **__: long_enough)
    to_its_end = finishing.finish(network, dataset, trial.checkpoint, tmp_path / "end", seed=1, stopped=True)
    assert (to_its_end.epochs, to_its_end.trial_epochs) == (4, 1)


@pytest.mark.slow
def test_the_trials_network_is_used_where_the_longer_training_is_worse_or_fails(
    network: Architecture, trial: Trained, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.network import build_network
    from search import finishing
    from search.train import Trained

    assert finishing.finish(network, dataset, trial.checkpoint, tmp_path / "a", seed=1).sentence == ""

    blank = tmp_path / "blank.keras"
    build_network(network, 3, 0).save(blank)

    def worse(*_: object, **__: object) -> Trained:
        return Trained(blank, 0.3, 6, 1.0)

    def fail(*_: object, **__: object) -> Trained:
        raise TrialFailed("The training came apart: its loss is no longer a number.")

    monkeypatch.setattr(finishing, "schedule_of", lambda *_, **__: SHORT)
    for trained, end in ((worse, "so the trial's network is used."), (fail, "failed, so the trial's network is used.")):
        monkeypatch.setattr(finishing, "train", trained)
        found = finishing.finish(network, dataset, trial.checkpoint, tmp_path / "b", seed=1)
        assert (found.checkpoint, found.kept) == (trial.checkpoint, False)
        assert found.sentence.endswith(end)


def test_a_longer_training_that_is_worse_within_chance_says_why_it_is_kept(tmp_path: Path) -> None:
    from search.finishing import Finished

    found = Finished(tmp_path, True, False, 75, 25, 0.977, 0.992)
    told = (
        "Trained again for 75 instead of 25 epochs: 97.7 instead of 99.2 % of the validation pictures, which is within"
    )
    assert found.sentence.startswith(told)


@pytest.mark.slow
def test_a_teacher_that_is_not_ahead_teaches_nothing_in_the_longer_training(
    network: Architecture, trial: Trained, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.network import build_network
    from search import finishing

    monkeypatch.setattr(finishing, "schedule_of", lambda *_, **__: SHORT)
    assert trial.validation_accuracy > 0.6
    blank = tmp_path / "blank.keras"
    build_network(network, 3, 0).save(blank)

    def taught(pupil: Path, teacher: Path) -> bool:
        return finishing.finish(network, dataset, pupil, tmp_path / "longer", seed=1, teacher=teacher).taught

    assert taught(blank, trial.checkpoint)
    assert not taught(trial.checkpoint, blank)
