"""A narrower, shallower or lower-resolution network that follows a trained one as closely as its shape allows."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from models.alignment import why_not_inherited
from models.architecture import Architecture
from models.errors import CannotInherit
from models.network import build_network
from models.pretrained import Parent
from models.rows import Places
from models.succession import Succession

ROWS = 8_000
"""Places looked at in the maps of each layer."""


def inherit(
    parent: Parent, architecture: Architecture, classes: int, pictures: NDArray[np.uint8], *, seed: int
) -> keras.Model:
    """Return a network of the architecture that has taken over what the parent knows; its `logits` layer is new.

    Args:
        parent: what to inherit from.
        architecture: of the network to make.
        classes: of the network to make.
        pictures: some 128 training pictures (pictures, side, side, 3), best at the architecture's resolution.
        seed: of all that is chosen at random.

    Raises:
        CannotInherit: if the architectures are of kinds between which nothing can be handed on.
    """
    network = build_network(architecture, classes, seed)
    if replace(parent.architecture, image_px=architecture.image_px).key == architecture.key:
        _copy_body(parent.network, network)
        return network
    for each in (parent.architecture, architecture):
        _check(each)
    Succession(parent, architecture, network, Places(pictures, ROWS, seed)).run()
    return network


def _copy_body(source: keras.Model, target: keras.Model) -> None:
    for layer in source.layers:
        if layer.name != "logits":
            target.get_layer(layer.name).set_weights(layer.get_weights())


def _check(architecture: Architecture) -> None:
    problem = why_not_inherited(architecture)
    if problem:
        raise CannotInherit(problem)
