"""A head for a network that knows pictures already, fitted within seconds on features that are computed once.

Features are kept on disk, mapped into memory: passing over them is some hundred times cheaper than over the pictures.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from models.transfer import feature_extractor
from search.dataset import Dataset, Split
from search.tuning import Mirrors

Floats = NDArray[np.float32]
BATCH = 32
STRENGTHS = (0.1, 0.3, 1.0)
"""Inverse regularization strengths that are tried on standardized features; validation pictures choose."""
ITERATIONS = 100
KEPT_OF_ALL, KEPT_OF_CLASS = 0.85, 0.5
"""Share of all pictures, and of those of each class, that must still be known when they are mirrored."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A dense layer for features."""

    kernel: Floats
    """(features, classes)"""
    bias: Floats

    def classify(self, features: Floats) -> NDArray[np.int64]:
        """Return the most probable class of each picture."""
        answers: NDArray[np.int64] = (features @ self.kernel + self.bias).argmax(axis=1)
        return answers


class Extractor:
    """Computes what a network's head reads, a batch at a time, in one compiled graph."""

    def __init__(self, network: keras.Model) -> None:
        self._features = feature_extractor(network)
        self._compute = tf.function(self._see, autograph=False, jit_compile=False)

    def of(self, images: NDArray[np.uint8], path: Path) -> Floats:
        """Return features (pictures, features) mapped from a file, which is written if it is not there."""
        if not path.exists():
            scratch = path.with_suffix(f".{os.getpid()}.npy")
            shape = (len(images), *self._features.output_shape[1:])
            features = np.lib.format.open_memmap(scratch, mode="w+", dtype=np.float32, shape=shape)
            for start in range(0, len(images), BATCH):
                features[start : start + BATCH] = self._batch(images[start : start + BATCH])
            features.flush()
            scratch.replace(path)
        found: Floats = np.load(path, mmap_mode="r", allow_pickle=False)
        return found

    def _batch(self, part: NDArray[np.uint8]) -> Any:
        padded = np.concatenate([part, np.zeros((BATCH - len(part), *part.shape[1:]), np.uint8)])
        return self._compute(tf.constant(padded)).numpy()[: len(part)]

    def _see(self, images: Any) -> Any:
        return self._features((tf.cast(images, tf.float32) - 127.0) / 128.0, training=False)


def fit_head(train: Floats, labels: NDArray[np.int64], judge: Callable[[Head], float], classes: int) -> Head:
    """Return the head that judges best of those fitted with different strengths; rare classes count as much as others.

    Args:
        train: features (pictures, features) of training pictures.
        labels: of the training pictures.
        judge: what a head is worth, on other pictures.
        classes: number of classes, also of those without pictures.
    """
    mean, spread = train.mean(axis=0), _floored(train.std(axis=0))
    standard = (train - mean) / spread
    heads = [_unscaled(_regress(standard, labels, strength), mean, spread, classes) for strength in STRENGTHS]
    return max(heads, key=judge)


def _floored(spread: Floats) -> Floats:
    """Return spreads, none below their median: a weight on a feature that hardly varies would take all of int8's range.

    Int8 has one scale for the layer. Measured on a cut network: int8 18 % with such weights, 78 % without; float 80 %.
    """
    return np.maximum(spread, max(float(np.median(spread)), 1e-3))


def _regress(standard: Floats, labels: NDArray[np.int64], strength: float) -> LogisticRegression:
    model = LogisticRegression(C=strength / len(labels) * 100, class_weight="balanced", max_iter=ITERATIONS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # training goes on with gradients anyway
        return model.fit(standard, labels)


def _unscaled(model: LogisticRegression, mean: Floats, spread: Floats, classes: int) -> Head:
    """Return the head for features as they are."""
    weights, offsets = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row stands for both
        weights, offsets = np.concatenate([-weights, weights]) / 2, np.concatenate([-offsets, offsets]) / 2
    kernel, bias = np.zeros((len(mean), classes), np.float32), np.full(classes, offsets.min(), np.float32)
    kernel[:, model.classes_] = (weights / spread).T
    bias[model.classes_] = offsets - (weights / spread) @ mean
    return Head(kernel, bias)


def mirrors_of(head: Head, extractor: Extractor, split: Split, folder: Path) -> Mirrors:
    """Return in which directions pictures may be mirrored: where a head that saw none so still knows them."""
    right = head.classify(extractor.of(split.images, folder / "validation_features.npy")) == split.labels
    verdicts = []
    for axis, name in ((2, "across"), (1, "down")):
        mirrored = np.flip(np.asarray(split.images), axis)
        guesses = head.classify(extractor.of(mirrored, folder / f"validation_features_{name}.npy"))
        verdicts.append(_still_known(right, guesses == split.labels, split.labels))
    return Mirrors(*verdicts)


def _still_known(right: NDArray[np.bool_], right_mirrored: NDArray[np.bool_], labels: NDArray[np.int64]) -> bool:
    """Say whether nearly all pictures that were known are known mirrored, and most of every class."""
    kept = right & right_mirrored
    of_class, kept_of_class = np.bincount(labels, right), np.bincount(labels, kept)
    return bool(kept.sum() >= KEPT_OF_ALL * right.sum() and np.all(kept_of_class >= KEPT_OF_CLASS * of_class))


def judge_on(features: Floats, labels: NDArray[np.int64]) -> Callable[[Head], float]:
    """Return a judge that counts what a head gets right of these pictures."""
    return lambda head: float(np.mean(head.classify(features) == labels))


def fit_on(network: keras.Model, dataset: Dataset, folder: Path) -> tuple[Head, Extractor]:
    """Return a head for a network on a dataset, and what computes its features, which go into the folder."""
    extractor = Extractor(network)
    folder.mkdir(parents=True, exist_ok=True)
    train = extractor.of(dataset.train.images, folder / "train_features.npy")
    validation = extractor.of(dataset.validation.images, folder / "validation_features.npy")
    judge = judge_on(validation, dataset.validation.labels)
    return fit_head(np.asarray(train), dataset.train.labels, judge, len(dataset.classes)), extractor
