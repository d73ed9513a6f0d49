from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models.architecture import Architecture, Block
from search.errors import TrialFailed
from search.progress import Progress
from tests.search.pictures import write_pictures

pytestmark = pytest.mark.slow

SMALL = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8), Block("depthwise", 3, 1, 16, 8)), 16)
EPOCHS = 6
TRAIN = """
import sys
from pathlib import Path
from search.dataset import load
from search.train import train
from tests.search.test_train import EPOCHS, SMALL
train(SMALL, load(Path(sys.argv[1])), Path(sys.argv[2]), seed=1, epochs=400)
"""


class Stopped(Exception):
    """Stands for whatever ends a training from outside."""


def test_a_network_learns_and_says_how_far_it_is(tmp_path: Path) -> None:
    from search.train import train

    dataset, said = write_pictures(tmp_path / "data"), list[Progress]()
    trained = train(SMALL, dataset, tmp_path / "trial", seed=1, epochs=15, on_progress=said.append)
    assert trained.validation_accuracy > 0.8
    assert trained.checkpoint.is_file()
    assert [progress.epoch for progress in said] == list(range(16))
    assert all(progress.epochs == 15 and progress.step == "training" for progress in said)
    assert said[0].eta_seconds is None
    assert said[-1].eta_seconds == 0
    assert said[-1].validation_accuracy == trained.validation_accuracy


def test_a_training_that_is_behind_ends_at_the_rung_and_stays_ended(tmp_path: Path) -> None:
    from search.train import train

    dataset, asked = write_pictures(tmp_path / "data"), list[float]()

    def behind(accuracy: float) -> bool:
        asked.append(accuracy)
        return False

    for _ in range(2):  # the second call stands for one after a kill
        trained = train(SMALL, dataset, tmp_path / "trial", seed=1, epochs=8, goes_on=behind)
        assert trained.epochs == 2
        assert trained.rung_accuracies == (trained.validation_accuracy,) == (asked[-1],)
        assert trained.checkpoint.is_file()
    ahead = train(SMALL, dataset, tmp_path / "trial", seed=1, epochs=8, goes_on=lambda accuracy: True)
    assert ahead.epochs == 8
    assert ahead.rung_accuracies == (asked[0], ahead.validation_accuracy)


def test_an_interrupted_training_ends_like_one_that_was_not(tmp_path: Path) -> None:
    import keras

    from search.train import train

    dataset = write_pictures(tmp_path / "data")

    def stop_after_two(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Stopped

    whole = train(SMALL, dataset, tmp_path / "whole", seed=1, epochs=EPOCHS)
    with pytest.raises(Stopped):
        train(SMALL, dataset, tmp_path / "halves", seed=1, epochs=EPOCHS, on_progress=stop_after_two)
    said: list[Progress] = []
    halves = train(SMALL, dataset, tmp_path / "halves", seed=1, epochs=EPOCHS, on_progress=said.append)
    assert [progress.epoch for progress in said] == [2, 3, 4, 5, 6]
    one, other = (keras.models.load_model(each.checkpoint).get_weights() for each in (whole, halves))
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-4)


def test_a_training_that_was_killed_goes_on_after_its_last_finished_epoch(tmp_path: Path) -> None:
    from search.train import STATE, train

    dataset, out_dir = write_pictures(tmp_path / "data"), tmp_path / "trial"
    command = [sys.executable, "-c", TRAIN, str(tmp_path / "data"), str(out_dir)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while _epoch_of(out_dir / STATE) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    killed_at, said = _epoch_of(out_dir / STATE), list[Progress]()

    def stop_at_once(progress: Progress) -> None:
        said.append(progress)
        if len(said) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        train(SMALL, dataset, out_dir, seed=1, epochs=400, on_progress=stop_at_once)
    assert [progress.epoch for progress in said] == [killed_at, killed_at + 1, killed_at + 2]


def _epoch_of(state: Path) -> int:
    if not state.exists():
        return 0
    with np.load(state) as found:
        return int(found["epoch"])


def test_a_damaged_state_starts_the_training_again(tmp_path: Path) -> None:
    from search.train import STATE, train

    dataset, out_dir = write_pictures(tmp_path / "data"), tmp_path / "trial"
    out_dir.mkdir()
    (out_dir / STATE).write_bytes(b"PK\x03\x04 half a file")
    said: list[Progress] = []
    train(SMALL, dataset, out_dir, seed=1, epochs=1, on_progress=said.append)
    assert [progress.epoch for progress in said] == [0, 1]


def test_another_network_in_the_same_folder_starts_again(tmp_path: Path) -> None:
    from search.train import train

    dataset, said = write_pictures(tmp_path / "data"), list[Progress]()
    train(SMALL, dataset, tmp_path / "trial", seed=1, epochs=1)
    other = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 24, 8),), 16)
    train(other, dataset, tmp_path / "trial", seed=1, epochs=1, on_progress=said.append)
    assert said[0].epoch == 0


def test_a_training_that_comes_apart_fails_the_trial_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from search.learner import Learner
    from search.train import train

    monkeypatch.setattr(Learner, "learn", lambda *_: (float("nan"), 0))
    with pytest.raises(TrialFailed, match="no longer a number"):
        train(SMALL, write_pictures(tmp_path / "data"), tmp_path / "trial", seed=1, epochs=1)


def test_rare_classes_weigh_more() -> None:
    from search.train import _class_weights

    weights = _class_weights(np.array([0] * 90 + [1] * 30), 2)
    assert weights[1] > 2 * weights[0]
    assert np.mean([weights[0]] * 90 + [weights[1]] * 30) == pytest.approx(1)


def test_augmentation_keeps_the_picture_and_repeats_with_its_seed() -> None:
    import tensorflow as tf

    from search.augment import augment

    images = np.full((4, 16, 16, 3), 127, np.uint8)
    images[:, 6:10, 6:10] = 255
    one, same, other = (augment(tf.constant(images), (1, seed)).numpy() for seed in (5, 5, 6))
    assert one.shape == (4, 16, 16, 3)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.abs(one).max() <= 1
    assert (one[:, 5:11, 5:11].mean(axis=(1, 2, 3)) > one[:, :3, :3].mean(axis=(1, 2, 3)) + 0.2).all()


def test_equal_seeds_change_pictures_of_any_size_in_the_same_way() -> None:
    import tensorflow as tf

    from search.augment import augment
    from search.tuning import Mirrors

    across, down = np.meshgrid(np.linspace(0, 3, 64), np.linspace(0, 2, 64))
    waves = (127 + 100 * np.sin(np.stack([across, down, across + down], axis=-1))).astype(np.uint8)
    large = np.stack([waves] * 6)
    small = large.reshape(6, 32, 2, 32, 2, 3).mean(axis=(2, 4)).astype(np.uint8)
    seed, mirrors = tf.constant((1, 5)), Mirrors(across=True)
    changed, smaller = (augment(tf.constant(each), seed, mirrors).numpy() for each in (large, small))
    reduced = changed.reshape(6, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    assert np.abs(reduced - smaller).max() < 0.05
    assert np.abs(smaller - (small - 127.0) / 128).max() > 0.3, "they were changed"
