"""Weight correction: a network whose kernels lie on the int8 grid and whose batch norms know it.

Rounding a kernel moves the mean and the spread of what it gives; depthwise kernels, nine weights a channel, most of
all. With the kernels rounded first, statistics taken anew from training pictures undo that, and the conversion that
follows finds nothing left to round. The checkpoint stays a plain Keras network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.folding import chains_of, snapped
from models.norms import moments_before, settle_norms

PICTURES = 500
"""Training pictures that the statistics are taken from. Source: SEARCH.md, “some 500”; nothing else was tried."""
_BATCH = 50


def correct(checkpoint: Path, pictures: NDArray[np.uint8], target: Path, *, seed: int) -> None:
    """Write the corrected network.

    Args:
        checkpoint: a trained network for float input (pixel − 127) / 128.
        pictures: training pictures (pictures, height, width, 3), of which PICTURES are used.
        target: the new checkpoint, a .keras file.
        seed: of the choice of the pictures.

    Raises:
        QuantizationFailed: if a layer is used twice.
    """
    network, some = load_network(checkpoint), mixed(pictures, seed)
    settle_norms(network, some)
    for chain in chains_of(network).values():
        chain.layer.kernel.assign(snapped(chain.layer, np.asarray(chain.layer.kernel)))
    renew_statistics(network, some)
    save_network(network, target)


def renew_statistics(network: keras.Model, pictures: NDArray[np.uint8]) -> None:
    """Let every batch norm take its mean and variance from these pictures alone, the average over their batches."""
    norms: list[Any] = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return
    kept = [norm.trainable for norm in norms]
    for norm in norms:
        norm.trainable = True  # one that is not would go on by what it knows
    found = moments_before(network, norms, pictures, batch=_BATCH, training=True)
    for norm, trainable, (means, variances) in zip(norms, kept, found, strict=True):
        norm.moving_mean.assign(means.mean(axis=0))
        norm.moving_variance.assign(variances.mean(axis=0))
        norm.trainable = trainable


def mixed(pictures: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Return PICTURES of the pictures in random order: files often hold them class by class."""
    return np.asarray(pictures[np.random.default_rng(seed).permutation(len(pictures))[:PICTURES]])


def as_input(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pictures as the networks read them."""
    return (np.asarray(pictures, np.float32) - np.float32(127)) / np.float32(128)


def load_network(checkpoint: Path) -> keras.Model:
    """Return a trained network; the file may come from anywhere."""
    return keras.models.load_model(checkpoint, compile=False, safe_mode=True)


def save_network(network: keras.Model, target: Path) -> None:
    """Write a network; a reader sees the old file or the new one, never a part."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f"part.{target.name}")
    network.save(scratch)
    scratch.replace(target)
