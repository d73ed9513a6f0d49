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
"""Means and variances of channels, one row a batch."""


def settle_norms(network: keras.Model, pictures: NDArray[np.uint8]) -> None:
    """Give every batch norm the mean and spread of what it is fed; what the network computes stays the same.

    Args:
        network: for float input (pixel − 127) / 128.
        pictures: some 128 pictures (pictures, side, side, 3) at the network's resolution.
    """
    norms: list[Any] = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    found = moments_before(network, norms, pictures, batch=_BATCH, training=False)
    for norm, (means, variances) in zip(norms, found, strict=True):
        mean, variance = means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0)
        gamma, beta, old_mean, old_variance = norm.get_weights()
        scale = gamma / np.sqrt(old_variance + norm.epsilon)
        shift = beta - scale * old_mean
        norm.set_weights([scale * np.sqrt(variance + norm.epsilon), shift + scale * mean, mean, variance])


def moments_before(
    network: keras.Model, norms: list[Any], pictures: NDArray[np.uint8], *, batch: int, training: bool
) -> list[Moments]:
    """Return the moments of what goes into each norm in every full batch of the pictures, or in the only one.

    As a graph: layer by layer, Keras takes several times as long for so few pictures.

    Args:
        network: for float input (pixel − 127) / 128.
        norms: of it.
        pictures: (pictures, side, side, 3) at the network's resolution.
        batch: pictures at a time.
        training: whether norms scale by the moments of each batch, or by those that they know.

    Returns:
        Those of each norm, both of shape (batches, channels).
    """
    fed = keras.Model(network.input, [norm.input for norm in norms])

    def look(pictures: Any) -> Any:
        maps = fed((tf.cast(pictures, tf.float32) - 127.0) / 128.0, training=training)
        return [tf.nn.moments(each, list(range(each.shape.rank - 1))) for each in maps]

    compiled = tf.function(look, autograph=False, jit_compile=False)
    starts = range(0, max(1, len(pictures) - batch + 1), batch)  # of equal batches the mean is the mean
    found = [compiled(tf.constant(pictures[start : start + batch])) for start in starts]
    return [
        (_stacked([each[at][0] for each in found]), _stacked([each[at][1] for each in found]))
        for at in range(len(norms))
    ]


def _stacked(batches: list[Any]) -> NDArray[np.float64]:
    return np.stack([each.numpy() for each in batches]).astype(np.float64)
