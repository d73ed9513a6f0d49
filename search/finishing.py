"""The last training of a search: the chosen network learns once more, for longer.

Trials are short, so that many fit into the time; sets of many pictures are shown to them only a few times. The network
that was chosen begins again with the same start and sees its pictures up to three times as often, with a learning rate
that comes down as slowly. It is kept unless it is clearly worse on the validation pictures: the trial was chosen among
many for what it got right of them, so its figure is partly luck, and the longer training's is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.architecture import Architecture
from models.description import image_px_in
from search.answers import classify_float
from search.dataset import Dataset
from search.distillation import is_ahead
from search.errors import TrialFailed
from search.progress import OnProgress, ignore
from search.rungs import rung_epoch
from search.scores import clearly_worse
from search.train import schedule_of, train


@dataclass(frozen=True, slots=True)
class Finished:
    """The network that files are made of, and how it came to be."""

    checkpoint: Path
    kept: bool
    """Whether the longer training was kept."""
    taught: bool
    """Whether a teacher's answers were learned in it."""
    epochs: int
    """Of the longer training; 0 where the trial's was long enough."""
    trial_epochs: int
    accuracy: float | None
    """Of the longer training's float network on validation pictures; None where there was none or it failed."""
    trial_accuracy: float

    @property
    def sentence(self) -> str:
        """What was done, for people; empty where there was nothing to do."""
        if not self.epochs:
            return ""
        if self.accuracy is None:
            return f"A longer training of {self.epochs} epochs failed, so the trial's network is used."
        found = f"{100 * self.accuracy:.1f} instead of {100 * self.trial_accuracy:.1f} % of the validation pictures"
        end = "." if self.kept else ", so the trial's network is used."
        if self.kept and self.accuracy < self.trial_accuracy:
            end = ", which is within chance, so the longer training is used."
        return f"Trained again for {self.epochs} instead of {self.trial_epochs} epochs: {found}{end}"

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        facts = {name: getattr(self, name) for name in self.__slots__ if name != "checkpoint"}
        return {**facts, "sentence": self.sentence}


def finish(
    architecture: Architecture,
    dataset: Dataset,
    trial_checkpoint: Path,
    out_dir: Path,
    *,
    seed: int,
    parent: Path | None = None,
    knows_pictures: bool = False,
    teacher: Path | None = None,
    stopped: bool = False,
    trial_seconds: float | None = None,
    most_seconds: float | None = None,
    on_progress: OnProgress = ignore,
) -> Finished:
    """Return the trained network of a trial, or of a longer training; a second call with the same folder goes on.

    Args:
        architecture: of the chosen network.
        dataset: the pictures.
        trial_checkpoint: the network as the trial left it.
        out_dir: where the longer training is kept.
        seed: of the trial.
        parent: what the trial began with.
        knows_pictures: whether that had learned these very pictures.
        teacher: a checkpoint whose answers are learned, if it is ahead of the trial.
        stopped: whether the trial ended at the rung; then it is at least trained to its end now.
        trial_seconds: what the trial took.
        most_seconds: what the longer training may take at the pace of the trial; None for any time.
        on_progress: told at the start and after every epoch.
    """
    schedule = schedule_of(architecture, len(dataset.train), parent, knows_pictures=knows_pictures)
    right = _right(trial_checkpoint, dataset)
    before = float(np.mean(right))
    trial_epochs = rung_epoch(schedule.epochs) if stopped else schedule.epochs
    in_time = _epochs_in(most_seconds, trial_seconds, trial_epochs)
    epochs = schedule.longer_within(in_time) or (schedule.epochs if stopped else 0)
    none = Finished(trial_checkpoint, False, False, epochs, trial_epochs, None, before)
    if not epochs:
        return none
    if teacher is not None and not is_ahead(float(np.mean(_right(teacher, dataset))), before):
        teacher = None
    try:
        trained = train(
            architecture,
            dataset,
            out_dir,
            seed=seed,
            epochs=epochs,
            parent=parent,
            knows_pictures=knows_pictures,
            teacher=teacher,
            on_progress=on_progress,
        )
    except TrialFailed:
        return none
    kept = not clearly_worse(right, _right(trained.checkpoint, dataset))
    checkpoint = trained.checkpoint if kept else trial_checkpoint
    return Finished(checkpoint, kept, teacher is not None, epochs, trial_epochs, trained.validation_accuracy, before)


def _right(checkpoint: Path, dataset: Dataset) -> NDArray[np.bool_]:
    """Return (pictures,): which validation pictures a float network gets right, at its own resolution."""
    validation = dataset.at(image_px_in(checkpoint)).validation
    right: NDArray[np.bool_] = classify_float(checkpoint, validation.images).argmax(axis=1) == validation.labels
    return right


def _epochs_in(most_seconds: float | None, trial_seconds: float | None, trial_epochs: int) -> float:
    """Return how many epochs fit into a time at the pace of a trial."""
    if most_seconds is None or not trial_seconds:
        return math.inf
    return most_seconds / trial_seconds * trial_epochs
