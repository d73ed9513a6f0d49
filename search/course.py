"""One training, epoch by epoch, each of them kept on disk so that a killed one goes on.

The network of the last epoch is the result: its learning rate has come down to nothing. The epoch that did best on
validation pictures is worse on others (benchmarks/RESULTS.md, search), because it is the best of many on few pictures.
"""

from __future__ import annotations

import math
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.dataset import Dataset, Split
from search.errors import TrialFailed
from search.learner import Learner
from search.progress import Progress
from search.rungs import rung_epoch
from search.schedule import Schedule

Kept = Mapping[str, Any]
"""What an interrupted training goes on from: arrays and facts by name."""


def read_state(path: Path, training: str) -> Kept | None:
    """Return the state in a file if there is one of this very training."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as state:
            return dict(state) if str(state["training"]) == training else None
    except FileNotFoundError:
        return None
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError):
        path.unlink()  # half-written by a full disk: start again
        return None


class Course:
    """The epochs of one training."""

    def __init__(
        self,
        learner: Learner,
        schedule: Schedule,
        dataset: Dataset,
        *,
        seed: int,
        state: Path,
        facts: Mapping[str, str],
        for_teacher: NDArray[np.uint8] | None = None,
    ) -> None:
        """Take what a training consists of.

        Args:
            learner: of the network.
            schedule: of its steps.
            dataset: the pictures at the network's resolution.
            seed: of their order and their changes.
            state: the file that every epoch is kept in.
            facts: kept with it; `training` names what must be equal for a kept state to be of this training.
            for_teacher: (pictures, side, side, 3), the training pictures at the size of a teacher that has another.
        """
        self._learner, self._schedule, self._dataset = learner, schedule, dataset
        self._seed, self._state, self._kept_facts = seed, state, facts
        self._for_teacher = for_teacher
        self.epoch = 0
        self.seconds = 0.0
        self.train_accuracy = 0.0
        self.validation_accuracy = 0.0
        self.rung_accuracy: float | None = None
        """What it had reached at the rung (`search.rungs`)."""

    @property
    def longer_epochs(self) -> int:
        """Epochs of a longer training, as `Schedule.longer_epochs`."""
        return self._schedule.longer_epochs

    @property
    def at_rung(self) -> bool:
        """Whether this is the moment to ask if the training is worth its end."""
        return self.epoch == rung_epoch(self._schedule.epochs) > 0

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self._schedule.epochs

    def begin(self) -> None:
        """Look at the network as it is before the first epoch and keep it."""
        self._look()
        self._save()

    def run_epoch(self) -> None:
        """Show the training pictures once, look at the validation pictures, keep the state."""
        started = time.monotonic()
        self.train_accuracy = self._learn_once(self._dataset.train)
        self.epoch += 1
        self._look()
        self.seconds += time.monotonic() - started
        self._save()

    def resume(self, kept: Kept) -> None:
        """Take over the state of an earlier call."""
        self._learner.load(kept)
        self.epoch, self.seconds = int(kept["epoch"]), float(kept["seconds"])
        self.train_accuracy = float(kept["train_accuracy"])
        self.validation_accuracy = float(kept["validation_accuracy"])
        self.rung_accuracy = float(kept["rung_accuracy"]) if "rung_accuracy" in kept else None

    def progress(self) -> Progress:
        """Return how far the training is."""
        left = self.seconds / self.epoch * (self._schedule.epochs - self.epoch) if self.epoch else None
        known = (self.train_accuracy, self.validation_accuracy, left) if self.epoch else (None, None, None)
        return Progress("training", self.epoch, self._schedule.epochs, *known)

    def _look(self) -> None:
        if self.at_rung or self.finished:
            self._learner.renew_norms(self._dataset.train.images, self._seed)
        validation = self._dataset.validation
        self.validation_accuracy = self._learner.accuracy(validation.images, validation.labels)
        if self.at_rung:
            self.rung_accuracy = self.validation_accuracy

    def _learn_once(self, split: Split) -> float:
        schedule, results = self._schedule, []
        order = np.random.default_rng((self._seed, self.epoch)).permutation(len(split))
        for number in range(schedule.steps_per_epoch):
            chosen = np.sort(order[number * schedule.batch : (number + 1) * schedule.batch])
            step = self.epoch * schedule.steps_per_epoch + number
            rate = schedule.rate_at(step)
            seen = None if self._for_teacher is None else self._for_teacher[chosen]
            batch = split.images[chosen], split.labels[chosen]
            results.append(self._learner.learn(*batch, rate, (self._seed, step), seen))
        losses = [float(loss) for loss, _ in results]
        if not math.isfinite(sum(losses)):
            raise TrialFailed("The training came apart: its loss is no longer a number.")
        return sum(int(right) for _, right in results) / (schedule.steps_per_epoch * schedule.batch)

    def _save(self) -> None:
        facts: dict[str, float | str] = {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "train_accuracy": self.train_accuracy,
            "validation_accuracy": self.validation_accuracy,
            **({} if self.rung_accuracy is None else {"rung_accuracy": self.rung_accuracy}),
        }
        self._learner.save(self._state, **facts, **self._kept_facts)
