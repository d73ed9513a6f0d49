"""From an architecture and pictures to a trained network; goes on where it was stopped."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.architecture import Architecture
from models.correct import load_network
from models.network import build_network
from models.norms import settle_norms
from models.pretrained import Parent
from search import takeover
from search.course import Course, read_state
from search.dataset import Dataset
from search.learner import Learner
from search.progress import OnProgress, ignore
from search.recipe import recipe_of
from search.schedule import Schedule, heir_schedule_for, schedule_for, tuning_schedule_for
from search.tuning import Tuning

GoesOn = Callable[[float], bool]
"""From the accuracy at the rung to whether the training is worth its end."""
_Teaching = tuple[keras.Model | None, NDArray[np.uint8] | None]
"""A teacher, and (pictures, side, side, 3), the training pictures at its own size where that is not the network's."""
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
    rung_accuracies: tuple[float, ...] = ()
    """Of the float network at the rung and, unless it was stopped there, at the end."""
    longer_epochs: int = 0
    """Epochs that it is trained for if it is chosen (`search.finishing`); 0 where these were enough."""


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
    parent: Path | None = None,
    knows_pictures: bool = False,
    teacher: Path | None = None,
    on_progress: OnProgress = ignore,
    goes_on: GoesOn | None = None,
) -> Trained:
    """Return the trained network; a second call with the same folder goes on after the last finished epoch.

    Args:
        architecture: of the network.
        dataset: the pictures.
        out_dir: where the network goes, and what an interrupted training goes on from.
        seed: of the first weights, of the order of the pictures and of their changes.
        epochs: how often the training pictures are shown; None for the rule of `search.schedule`. With a parent,
            0 fits a head and changes nothing else.
        parent: a file for `models.pretrained.load_parent`, from whose network this one takes over what it knows.
        knows_pictures: whether the parent has learned these very pictures; then this one needs them half as often.
        teacher: a trained network's checkpoint for the same classes, whose answers are learned beside the labels.
        on_progress: told at the start and after every epoch.
        goes_on: asked at the rung (`search.rungs`) whether the training is worth its end; None for no rung.

    Raises:
        TrialFailed: if the loss stops being a number, or nothing can be taken over from the parent.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    pictures = dataset.at(architecture.image_px)
    source = None if parent is None else takeover.load(parent)
    schedule = _schedule(architecture, source, len(pictures.train), epochs, knows_pictures=knows_pictures)
    kept = " ".join([f"{architecture.key} {seed} {schedule}", *(_sha256(file) for file in (parent, teacher) if file)])
    course, network = _course(
        architecture,
        pictures,
        out_dir,
        schedule,
        seed=seed,
        source=source,
        teaching=_teaching(teacher, dataset, architecture.image_px),
        training=kept,
    )
    on_progress(course.progress())
    stopped = False
    while not course.finished and not (stopped := _stops(course, goes_on)):
        course.run_epoch()
        on_progress(course.progress())
    at_rung = () if course.rung_accuracy is None or goes_on is None else (course.rung_accuracy,)
    if parent is not None:
        settle_norms(network, takeover.some_of(pictures, seed))  # so that whoever trains it on may let norms learn
    checkpoint = out_dir / CHECKPOINT
    scratch = out_dir / f"part.{CHECKPOINT}"
    network.save(scratch)
    scratch.replace(checkpoint)
    shutil.rmtree(out_dir / takeover.FEATURES, ignore_errors=True)  # the head is fitted, nobody needs them again
    reached = at_rung if stopped or not at_rung else (*at_rung, course.validation_accuracy)
    return Trained(checkpoint, course.validation_accuracy, course.epoch, course.seconds, reached, course.longer_epochs)


def _stops(course: Course, goes_on: GoesOn | None) -> bool:
    """Say whether a training ends here, at the rung, because others promise more."""
    return goes_on is not None and course.at_rung and not goes_on(course.validation_accuracy)


def _course(
    architecture: Architecture,
    pictures: Dataset,
    out_dir: Path,
    schedule: Schedule,
    *,
    seed: int,
    source: Parent | None,
    teaching: _Teaching,
    training: str,
) -> tuple[Course, keras.Model]:
    """Return the training where it begins, or where an earlier call was stopped, and its network."""
    classes = len(pictures.classes)
    training += f" {classes} {recipe_of(architecture.choices).learns}"
    kept = read_state(out_dir / STATE, training)
    network = build_network(architecture, classes, seed)
    tuning = None
    if source is not None:
        known = kept and Tuning.from_text(str(kept["tuning"]))
        tuning = known or takeover.take_over(source, network, architecture, pictures, seed=seed, folder=out_dir)
    weights = _class_weights(pictures.train.labels, classes)
    teacher, for_teacher = teaching
    learner = Learner(network, weights, schedule.batch, tuning, teacher)
    facts = {"training": training, **({"tuning": tuning.to_text()} if tuning else {})}
    state = out_dir / STATE
    course = Course(learner, schedule, pictures, seed=seed, state=state, facts=facts, for_teacher=for_teacher)
    if kept is not None:
        course.resume(kept)
    elif tuning is not None:
        course.begin()
    return course, network


def _teaching(checkpoint: Path | None, dataset: Dataset, image_px: int) -> _Teaching:
    """Return the teacher in a checkpoint, if there is one, and what it sees."""
    if checkpoint is None:
        return None, None
    teacher = load_network(checkpoint)
    teacher_px = int(teacher.input_shape[1])
    return teacher, None if teacher_px == image_px else dataset.at(teacher_px).train.images


def schedule_of(
    architecture: Architecture, pictures: int, parent: Path | None, *, knows_pictures: bool = False
) -> Schedule:
    """Return how a network is trained on so many pictures, from a parent's file or from scratch, as `train` does it.

    Raises:
        TrialFailed: if there is no parent in the file.
    """
    source = None if parent is None else takeover.load(parent)
    return _schedule(architecture, source, pictures, None, knows_pictures=knows_pictures)


def _schedule(
    architecture: Architecture, source: Parent | None, pictures: int, epochs: int | None, *, knows_pictures: bool
) -> Schedule:
    if source is None:
        schedule = schedule_for(pictures, epochs)
    elif takeover.is_parent(architecture, source):
        norms_learn = not takeover.keeps_early(architecture, source)
        schedule = tuning_schedule_for(pictures, epochs, norms_learn=norms_learn)
    else:
        schedule = heir_schedule_for(pictures, epochs, knows_pictures=knows_pictures)
    return replace(schedule, peak_rate=schedule.peak_rate * recipe_of(architecture.choices).rate)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _class_weights(labels: NDArray[np.int64], classes: int) -> list[float]:
    """Return a loss weight for each class that makes rare classes count as much as common ones, within 4 to 1."""
    counts = np.bincount(labels, minlength=classes)
    weights: Any = np.clip(len(labels) / (classes * np.maximum(counts, 1)), 0.5, 2.0)
    return [float(weight) for weight in weights / np.mean(weights[labels])]
