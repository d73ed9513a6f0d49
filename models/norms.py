"""Batch norms that know what they are fed.

In a network that was read from a converted file the norms are folded away and pass on what they get; in one that
learned with its norms kept, they remember what earlier weights gave. Either way, whoever takes the mean and spread of
pictures anew, or trains on with those of batches, would scale everything wrongly, and lose what the network knows.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

_BATCH = 8
"""Pictures at a time: the maps of every layer are in memory at once, some 30 MB a picture at 224 px."""
Moments = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Mean and variance of each channel."""


def settle_norms(network: keras.Model, pictures: NDArray[np.uint8]) -> None:
    """Give every batch norm the mean and spread of what it is fed; what the network computes stays the same.

    Args:
        network: for float input (pixel − 127) / 128.
        pictures: some 128 pictures (pictures, side, side, 3) at the network's resolution.
    """
    norms: list[Any] = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    for norm, (mean, variance) in zip(norms, _moments_before(network, norms, pictures), strict=True):
        gamma, beta, old_mean, old_variance = norm.get_weights()
        scale = gamma / np.sqrt(old_variance + norm.epsilon)
        shift = beta - scale * old_mean
        norm.set_weights([scale * np.sqrt(variance + norm.epsilon), shift + scale * mean, mean, variance])


def _moments_before(network: keras.Model, norms: list[Any], pictures: NDArray[np.uint8]) -> list[Moments]:
    """Return the moments of what goes into each norm, a batch of pictures at a time."""
    fed = keras.Model(network.input, [norm.input for norm in norms])

    def look(batch: Any) -> Any:
        maps = fed((tf.cast(batch, tf.float32) - 127.0) / 128.0, training=False)
        return [tf.nn.moments(each, list(range(each.shape.rank - 1))) for each in maps]

    whole = max(1, len(pictures) // _BATCH) * _BATCH  # of equal batches the mean is the mean
    found = [look(tf.constant(pictures[start : start + _BATCH])) for start in range(0, whole, _BATCH)]
    return [_joined([batch[at] for batch in found]) for at in range(len(norms))]


def _joined(batches: list[Any]) -> Moments:
    means = np.stack([mean.numpy() for mean, _ in batches]).astype(np.float64)
    variances = np.stack([variance.numpy() for _, variance in batches]).astype(np.float64)
    return means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0)
