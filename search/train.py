"""From an architecture and pictures to a trained network; goes on where it was stopped."""

from __future__ import annotations

import math
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.architecture import Architecture
from models.network import build_network
from search.dataset import Dataset, Split
from search.errors import TrialFailed
from search.learner import Learner
from search.progress import OnProgress, Progress, ignore
from search.schedule import Schedule, schedule_for

CHECKPOINT, STATE = "checkpoint.keras", "training.npz"
"""The trained network, and what an interrupted training goes on from."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A network that has learned."""

    checkpoint: Path
    validation_accuracy: float
    """Of the float network."""
    epochs: int
    seconds: float
    """Wall time of all epochs, also of those before an interruption."""


def limit_threads(threads: int) -> None:
    """Let TensorFlow use this many threads; call it before anything else in the process uses TensorFlow.

    Two processes of one thread train more networks an hour than one process of two.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def train(
    architecture: Architecture,
    dataset: Dataset,
    out_dir: Path,
    *,
    seed: int,
    epochs: int | None = None,
    on_progress: OnProgress = ignore,
) -> Trained:
    """Return the trained network; a second call with the same folder goes on after the last finished epoch.

    Raises:
        TrialFailed: if the loss stops being a number.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    pictures = dataset.at(architecture.image_px)
    schedule = schedule_for(len(pictures.train), epochs)
    network = build_network(architecture, len(dataset.classes), seed)
    weights = _class_weights(pictures.train.labels, len(dataset.classes))
    learner = Learner(network, weights, schedule.batch)
    course = _Course(learner, schedule, pictures, seed=seed, key=architecture.key, state=out_dir / STATE)
    course.resume()
    on_progress(course.progress())
    while course.epoch < schedule.epochs:
        course.run_epoch()
        on_progress(course.progress())
    checkpoint = out_dir / CHECKPOINT
    scratch = out_dir / f"part.{CHECKPOINT}"
    network.save(scratch)
    scratch.replace(checkpoint)
    return Trained(checkpoint, course.validation_accuracy, schedule.epochs, course.seconds)


class _Course:
    """One training, epoch by epoch, each of them kept on disk."""

    def __init__(
        self, learner: Learner, schedule: Schedule, dataset: Dataset, *, seed: int, key: str, state: Path
    ) -> None:
        self._learner, self._schedule, self._dataset = learner, schedule, dataset
        self._seed, self._state = seed, state
        self._same = f"{key} {seed} {schedule} {len(dataset.classes)}"
        """What must be equal for a kept state to be of this training."""
        self.epoch = 0
        self.seconds = 0.0
        self.train_accuracy = 0.0
        self.validation_accuracy = 0.0

    def run_epoch(self) -> None:
        """Show the training pictures once, look at the validation pictures, keep the state."""
        started = time.monotonic()
        self.train_accuracy = self._learn_once(self._dataset.train)
        validation = self._dataset.validation
        self.validation_accuracy = self._learner.accuracy(validation.images, validation.labels)
        self.epoch += 1
        self.seconds += time.monotonic() - started
        self._learner.save(self._state, **self._facts())

    def _learn_once(self, split: Split) -> float:
        schedule, results = self._schedule, []
        order = np.random.default_rng((self._seed, self.epoch)).permutation(len(split))
        for number in range(schedule.steps_per_epoch):
            chosen = np.sort(order[number * schedule.batch : (number + 1) * schedule.batch])
            step = self.epoch * schedule.steps_per_epoch + number
            rate = schedule.rate_at(step)
            results.append(self._learner.learn(split.images[chosen], split.labels[chosen], rate, (self._seed, step)))
        losses = [float(loss) for loss, _ in results]
        if not math.isfinite(sum(losses)):
            raise TrialFailed("The training came apart: its loss is no longer a number.")
        return sum(int(right) for _, right in results) / (schedule.steps_per_epoch * schedule.batch)

    def resume(self) -> None:
        """Take over the state of an earlier call, if there is one of the same training."""
        try:
            with self._state.open("rb") as file, np.load(file, allow_pickle=False) as state:
                if str(state["training"]) != self._same:
                    return
                self._learner.load(state)
                self.epoch, self.seconds = int(state["epoch"]), float(state["seconds"])
                self.train_accuracy = float(state["train_accuracy"])
                self.validation_accuracy = float(state["validation_accuracy"])
        except FileNotFoundError:
            return
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError):
            self._state.unlink()  # half-written by a full disk: start again

    def progress(self) -> Progress:
        """Return how far the training is."""
        left = self.seconds / self.epoch * (self._schedule.epochs - self.epoch) if self.epoch else None
        known = (self.train_accuracy, self.validation_accuracy, left) if self.epoch else (None, None, None)
        return Progress("training", self.epoch, self._schedule.epochs, *known)

    def _facts(self) -> dict[str, float | str]:
        return {
            "training": self._same,
            "epoch": self.epoch,
            "seconds": self.seconds,
            "train_accuracy": self.train_accuracy,
            "validation_accuracy": self.validation_accuracy,
        }


def _class_weights(labels: NDArray[np.int64], classes: int) -> list[float]:
    """Return a loss weight for each class that makes rare classes count as much as common ones, within 4 to 1."""
    counts = np.bincount(labels, minlength=classes)
    weights: Any = np.clip(len(labels) / (classes * np.maximum(counts, 1)), 0.5, 2.0)
    return [float(weight) for weight in weights / np.mean(weights[labels])]
