"""Two ways to a small network in equal processor time: trained from scratch, or inherited from a published one."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import keras
import numpy as np

from benchmarks.models_tasks import Task
from benchmarks.search_real_images import SHARED
from models.architecture import Architecture
from models.correct import correct
from models.inherit import inherit
from models.network import build_network
from models.pretrained import Parent, load_parent
from models.quantize import quantize_to
from models.transfer import feature_extractor, set_head
from search.answers import classify_int8
from search.head import fit_head
from search.learner import Learner
from search.schedule import PEAK_RATE, WARM_UP
from search.tuning import Tuning

BACKBONE = SHARED / "data" / "pretrained" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
BATCH, CALIBRATION, INT8_CALIBRATION = 32, 128, 200
INHERITED_PEAK = 2e-3
"""Peak learning rate after inheriting; `models_inherit.py recipe` compares it with others."""


class Clock:
    """Processor time that may be used, counted from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._started = seconds, time.process_time()

    @property
    def used(self) -> float:
        """Seconds of processor time so far."""
        return time.process_time() - self._started


def from_scratch(task: Task, architecture: Architecture, seconds: float, seed: int = 0) -> keras.Model:
    """Return the network after training new weights as the project trains them."""
    clock = Clock(seconds)
    network = build_network(architecture, task.classes, seed)
    learn(network, task, clock, peak=PEAK_RATE, tuning=None, seed=seed)
    return network


def inherited(
    task: Task,
    architecture: Architecture,
    seconds: float,
    *,
    peak: float = INHERITED_PEAK,
    still_norms: bool = False,
    seed: int = 0,
) -> keras.Model:
    """Return the network after inheriting, fitting the head and training all of it."""
    clock = Clock(seconds)
    network = with_head(task, succeed(task, architecture, seed))
    names = [layer.name for layer in network.layers if layer.weights and not layer.name.endswith("_norm")]
    tuning = Tuning(dict.fromkeys(names, 1.0)) if still_norms else None
    learn(network, task, clock, peak=peak, tuning=tuning, seed=seed)
    return network


def succeed(task: Task, architecture: Architecture, seed: int = 0) -> keras.Model:
    """Return the network as it is right after inheriting."""
    images, _ = task.part(0)
    chosen = np.random.default_rng(seed).permutation(len(images))[:CALIBRATION]
    return inherit(parent(), architecture, task.classes, images[np.sort(chosen)], seed=seed)


@cache
def parent() -> Parent:
    """Return the pretrained network, read once."""
    return load_parent(BACKBONE)


def with_head(task: Task, network: keras.Model) -> keras.Model:
    """Return the network with a head fitted to the training pictures' features; validation chooses its strength."""
    extractor = feature_extractor(network)
    (images, labels), (others, truth) = task.part(0), task.part(1)
    features, judged = features_of(extractor, images), features_of(extractor, others)
    head = fit_head(features, labels, lambda each: float(np.mean(each.classify(judged) == truth)), task.classes)
    set_head(network, head.kernel, head.bias)
    return network


def features_of(extractor: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return features (pictures, features)."""
    parts = (images[start : start + 64] for start in range(0, len(images), 64))
    return np.concatenate([np.asarray(extractor((part.astype(np.float32) - 127) / 128)) for part in parts])


def learn(network: keras.Model, task: Task, clock: Clock, *, peak: float, tuning: Tuning | None, seed: int) -> None:
    """Train until the clock's time is used up; the rate follows the project's schedule by share of the time left."""
    images, labels = task.part(0)
    learner = Learner(network, [1.0] * task.classes, BATCH, tuning)
    begin = clock.used
    for step, chosen in enumerate(batches(len(images), seed)):
        share = (clock.used - begin) / (clock.seconds - begin)
        if share >= 1:
            return
        rate = peak * (share / WARM_UP if share < WARM_UP else (1 + np.cos(np.pi * (share - WARM_UP) / 0.9)) / 2)
        learner.learn(images[chosen], labels[chosen].astype(np.int64), max(rate, peak / 100), (seed, step))


def batches(count: int, seed: int) -> Iterator[np.ndarray]:
    """Yield positions of pictures without end, each epoch in another order."""
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(count)
        for start in range(0, count - BATCH + 1, BATCH):
            yield order[start : start + BATCH]


def float_accuracy(network: keras.Model, task: Task, split: int) -> float:
    """Return the share of pictures that the network knows, in percent."""
    images, labels = task.part(split)
    return 100 * float(np.mean(features_of(network, images).argmax(axis=1) == labels))


def int8_accuracy(network: keras.Model, task: Task) -> tuple[float, float]:
    """Return (plain, with corrected weights): test accuracy of the int8 network in percent."""
    images, labels = task.part(2)
    training, _ = task.part(0)
    few = training[np.random.default_rng(0).permutation(len(training))[:INT8_CALIBRATION]]
    with tempfile.TemporaryDirectory(prefix="atoll-bench-") as folder:
        plain, corrected = Path(folder) / "plain.keras", Path(folder) / "corrected.keras"
        network.save(plain)
        correct(plain, training, corrected, seed=0)
        found = []
        for checkpoint in (plain, corrected):
            quantize_to(checkpoint, few, Path(folder) / "model.tflite")
            found.append(100 * float(np.mean(classify_int8(Path(folder) / "model.tflite", images).argmax(1) == labels)))
    return found[0], found[1]
