"""A network that learns from batches: one compiled step, its optimizer, and its whole state as arrays.

The optimizer calls TensorFlow's fused Adam: half the tracing time of Keras's own, and as fast a step.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.correct import mixed, renew_statistics
from search.augment import augment
from search.fused_norms import fused
from search.teaching import Teacher
from search.tuning import Mirrors, Tuning

LABEL_SMOOTHING = 0.1
SHARE_OF_TEACHER, TEMPERATURE = 0.7, 2.0
"""Of the loss, what is about a teacher's answers, both softened by the temperature. Source: benchmarks/RESULTS.md,
search, Teachers; no other values were tried."""
WEIGHT_DECAY = 0.02
"""Share of a kernel that a step at learning rate 1 would take away."""
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.99, 1e-6


class Learner:
    """Trains one network on batches of a fixed length, all of it or as a tuning says.

    While a network is tuned its normalizations are what they were, unless the tuning says otherwise: a few hundred
    pictures know their own mean and spread less well than the pictures that the network comes from. That also halves
    the time of a step. With a teacher, a trained network for the same classes, it learns the teacher's answers too: the
    teacher looks at the same pictures, changed in the same way, at its own size. Enlarged ones it does not know
    (benchmarks/RESULTS.md, search, Teachers).
    """

    def __init__(
        self,
        network: keras.Model,
        class_weights: Sequence[float],
        batch: int,
        tuning: Tuning | None = None,
        teacher: keras.Model | None = None,
    ) -> None:
        self.network = network
        self._norms_learn = tuning is None or tuning.norms_learn
        self._logits = fused(_logits_of(network)) if self._norms_learn else _logits_of(network)
        self._teacher = None if teacher is None else Teacher(_logits_of(teacher), batch)
        shares = _all(network) if tuning is None else _tuned(network, tuning)
        self._weights = [weight for weight, _ in shares]
        self._shares = [share for _, share in shares]
        self._first = [tf.Variable(tf.zeros_like(weight)) for weight in self._weights]
        self._second = [tf.Variable(tf.zeros_like(weight)) for weight in self._weights]
        self._class_weights = tf.constant(class_weights, tf.float32)
        self._classes = len(class_weights)
        self._batch = batch
        mirrors = Mirrors() if tuning is None else tuning.mirrors
        self._changed = tf.function(partial(augment, mirrors=mirrors), autograph=False, jit_compile=False)
        self._step = tf.function(self._learn, autograph=False, jit_compile=False)
        self._classify = tf.function(self._guess, autograph=False, jit_compile=False)

    def learn(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        rate: float,
        seed: tuple[int, int],
        for_teacher: NDArray[np.uint8] | None = None,
    ) -> Any:
        """Take one step; return (loss, pictures right) as tensors, so that nobody waits for them.

        Args:
            images: (pictures, side, side, 3) at the network's size.
            labels: (pictures,).
            rate: of this step.
            seed: of the changes to the pictures.
            for_teacher: the same pictures at the teacher's size; None where that is the network's, or nobody teaches.
        """
        changes = tf.constant(seed, tf.int32)
        inputs, told = self._changed(tf.constant(images), changes), None
        if self._teacher is not None:
            seen = inputs if for_teacher is None else self._changed(tf.constant(for_teacher), changes)
            told = tf.constant(self._teacher.answers(seen.numpy()))
        return self._step(inputs, tf.constant(labels), tf.constant(rate, tf.float32), told)

    def accuracy(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
        """Return the share of pictures whose most probable class is theirs."""
        return float(np.mean(self.classify(images).argmax(axis=1) == labels))

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits (pictures, classes)."""
        found = []
        for start in range(0, len(images), self._batch):
            part = images[start : start + self._batch]
            padded = np.concatenate([part, np.zeros((self._batch - len(part), *part.shape[1:]), np.uint8)])
            found.append(self._classify(tf.constant(padded)).numpy()[: len(part)])
        return np.concatenate(found)

    def renew_norms(self, images: NDArray[np.uint8], seed: int) -> None:
        """Let normalizations that learn take mean and spread anew from some pictures: what they remember of the last
        batches lags behind the weights. What is learned further does not depend on it.
        """
        if self._norms_learn:
            renew_statistics(self.network, mixed(images, seed))

    def save(self, path: Path, **facts: float | str) -> None:
        """Write the whole state and some facts; a reader sees the old file or the new one, never a part."""
        scratch = path.with_suffix(".part")
        arrays: dict[str, Any] = {f"variable{number}": each.numpy() for number, each in enumerate(self._variables())}
        with scratch.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays, **facts)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)

    def load(self, state: Any) -> None:
        """Take over the state that `save` wrote."""
        for number, variable in enumerate(self._variables()):
            variable.assign(state[f"variable{number}"])

    def _variables(self) -> list[Any]:
        return [*(variable.value for variable in self.network.variables), *self._first, *self._second]

    def _learn(self, inputs: Any, labels: Any, rate: Any, told: Any) -> Any:
        smooth = tf.one_hot(labels, self._classes, 1.0 - LABEL_SMOOTHING, 0.0)
        smooth += LABEL_SMOOTHING / self._classes
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._weights)
            logits = self._logits(inputs, training=self._norms_learn)
            losses = tf.nn.softmax_cross_entropy_with_logits(smooth, logits)
            losses *= tf.gather(self._class_weights, labels)
            if told is not None:
                answers = tf.nn.softmax(told / TEMPERATURE)
                apart = tf.nn.softmax_cross_entropy_with_logits(answers, logits / TEMPERATURE) * TEMPERATURE**2
                losses = (1 - SHARE_OF_TEACHER) * losses + SHARE_OF_TEACHER * apart
            loss = tf.reduce_mean(losses)
        self._apply(tape.gradient(loss, self._weights), rate)
        right = tf.reduce_sum(tf.cast(tf.argmax(logits, axis=1) == labels, tf.int32))
        return loss, right

    def _apply(self, gradients: Sequence[Any], rate: Any) -> None:
        moments = zip(self._shares, self._first, self._second, gradients, strict=True)
        for weight, (share, first, second, gradient) in zip(self._weights, moments, strict=True):
            if weight.shape.rank > 1:
                weight.assign_sub(rate * share * WEIGHT_DECAY * weight)
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=0.0,  # no bias correction: with these betas both moments start equally small
                beta2_power=0.0,
                lr=rate * share,
                beta1=_BETA_1,
                beta2=_BETA_2,
                epsilon=_EPSILON,
                grad=gradient,
            )

    def _guess(self, images: Any) -> Any:
        return self._logits((tf.cast(images, tf.float32) - 127.0) / 128.0, training=False)


def _logits_of(network: keras.Model) -> keras.Model:
    return keras.Model(network.input, network.get_layer("probabilities").input)


def _all(network: keras.Model) -> list[tuple[Any, float]]:
    return [(variable.value, 1.0) for variable in network.trainable_variables]


def _tuned(network: keras.Model, tuning: Tuning) -> list[tuple[Any, float]]:
    """Return what the tuning changes, each with its share of the learning rate; a layer's normalization is its own."""
    names = {layer.name for layer in network.layers}
    found = []
    for name, share in tuning.rates.items():
        for each in (name, f"{name}_norm"):
            if each in names:
                found += [(variable.value, share) for variable in network.get_layer(each).trainable_variables]
    return found
