"""Weights that keras.applications publishes, in networks of ours."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from models.architecture import Architecture
from models.backbones import network_named
from models.errors import NetworkUnreadable
from models.families import FAMILIES
from models.network import build_network

CLASSES = 1000
_FAMILY = "mobilenet_v2"
_FACTOR, _OFFSET = 128 / 127.5, 127 / 127.5 - 1
"""They read pixel / 127.5 − 1 where ours reads x = (pixel − 127) / 128: factor · x + offset."""


def mobilenet_v2(path: Path) -> tuple[Architecture, keras.Model]:
    """Return a published MobileNet v2 with the weights of an .h5 file of keras.applications, which names its width.

    Raises:
        NetworkUnreadable: if the file is not of such a network.
    """
    name, side = network_named(path.name) or ("", 0)
    published = FAMILIES[_FAMILY].published.get(name)
    if published is None:
        raise NetworkUnreadable(f"{path.name} is none of the MobileNet v2 files of keras.applications.")
    width = float(name.rsplit("-", 1)[-1])
    theirs = keras.applications.MobileNetV2((side, side, 3), alpha=width, weights=None, classes=CLASSES)
    try:
        theirs.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise NetworkUnreadable(f"{path.name} does not hold the weights that its name says.") from error
    network = build_network(published, CLASSES, seed=0)
    for source, target in zip(_weighted(theirs), _weighted(network), strict=True):
        target.set_weights(source.get_weights())
    _read_our_pixels(network)
    return published, network


def _weighted(network: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in network.layers if layer.weights]


def _read_our_pixels(network: keras.Model) -> None:
    """Let the stem take up how the input differs: the factor in its kernel, the offset in its normalization."""
    stem, norm = network.get_layer("stem"), network.get_layer("stem_norm")
    [kernel] = stem.get_weights()
    gamma, beta, mean, variance = norm.get_weights()
    stem.set_weights([kernel * np.float32(_FACTOR)])
    norm.set_weights([gamma, beta, mean - np.float32(_OFFSET) * kernel.sum(axis=(0, 1, 2)), variance])
