"""A network that knows pictures already, as what to keep and what to change: stages, features, head."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from models.layers import Layer

HEAD = "logits"
"""The last layer with weights, in every network."""


def stages_of(layers: Sequence[Layer]) -> tuple[tuple[str, ...], ...]:
    """Return the names of the layers with weights in groups, one for each size of feature map, the head not in them.

    The layers of a block, which share the first part of their names, stay in one group: that of the block's output.
    """
    maps = [layer for layer in layers if len(layer.shape) == 3 and layer.weights and layer.name != HEAD]
    sides: dict[str, int] = {}
    for layer in maps:
        block = layer.name.split("_")[0]
        sides[block] = min(layer.shape[0], sides.get(block, layer.shape[0]))
    groups: dict[int, list[str]] = {}
    for layer in maps:
        groups.setdefault(sides[layer.name.split("_")[0]], []).append(layer.name)
    return tuple(tuple(groups[side]) for side in sorted(groups, reverse=True))


def feature_extractor(network: keras.Model) -> keras.Model:
    """Return the network up to what its head reads."""
    return keras.Model(network.input, network.get_layer(HEAD).input, name="features")


def has_dense_head(network: keras.Model) -> bool:
    """Say whether the head reads one vector for each picture, so that it can be fitted by itself."""
    return isinstance(network.get_layer(HEAD), keras.layers.Dense)


def set_head(network: keras.Model, kernel: NDArray[np.floating], bias: NDArray[np.floating]) -> None:
    """Give the network this dense head: kernel (features, classes), bias (classes,)."""
    network.get_layer(HEAD).set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
