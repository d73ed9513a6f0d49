"""A network begins with what another one knows: weights, a fitted head, and what its pictures allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from edgetpu.errors import EdgeTpuError
from models.architecture import Architecture
from models.errors import ModelError
from models.inherit import inherit
from models.norms import settle_norms
from models.pretrained import Parent, load_parent
from models.transfer import HEAD, has_dense_head, set_head, stages_of
from search.dataset import Dataset
from search.errors import TrialFailed
from search.head import fit_on, mirrors_of
from search.recipe import Learns, recipe_of
from search.tuning import Mirrors, Tuning, rates_of

PICTURES = 128
"""Training pictures that a smaller network follows its parent on. Source: benchmarks/RESULTS.md, models, Inherit."""
FEATURES = "features"
"""The folder that features are kept in while a head is fitted."""
KEPT_PART = 8
"""In a network that is its parent, layers whose maps are larger than this part of the picture's side stay as they are:
edges and colours are the same in all pictures. At least half of the stages learn."""


def load(path: Path) -> Parent:
    """Return the parent in a file.

    Raises:
        TrialFailed: if there is none.
    """
    try:
        return load_parent(path)
    except (ModelError, EdgeTpuError) as error:
        raise TrialFailed(f"Nothing can be taken over from {path.name}: {error}") from error


def take_over(
    parent: Parent, network: keras.Model, architecture: Architecture, pictures: Dataset, *, seed: int, folder: Path
) -> Tuning:
    """Give a network what its parent knows and a head for the pictures; return how it learns on.

    Args:
        parent: what is known.
        network: as `build_network` made it; its weights change.
        architecture: of the network.
        pictures: at the network's resolution.
        seed: of all that is chosen at random.
        folder: where features are kept.

    Raises:
        TrialFailed: if nothing can be taken over.
    """
    try:
        heir = inherit(parent, architecture, len(pictures.classes), some_of(pictures, seed), seed=seed)
    except (ModelError, EdgeTpuError) as error:
        raise TrialFailed(f"Nothing can be taken over from the parent: {error}") from error
    network.set_weights(heir.get_weights())
    mirrors = Mirrors()
    if has_dense_head(network):
        head, extractor = fit_on(network, pictures, folder / FEATURES)
        set_head(network, head.kernel, head.bias)
        if is_parent(architecture, parent):
            mirrors = mirrors_of(head, extractor, pictures.validation, folder / FEATURES)
        else:
            mirrors = _mirrors_by(parent, pictures, seed=seed, folder=folder / FEATURES / "parent")
    norms_learn = not keeps_early(architecture, parent)
    if norms_learn and is_parent(architecture, parent):
        settle_norms(network, some_of(pictures, seed))  # weights of a file know no mean and spread to go on from
    return Tuning(rates_for(architecture, parent, len(pictures.classes)), mirrors, norms_learn)


def _mirrors_by(parent: Parent, pictures: Dataset, *, seed: int, folder: Path) -> Mirrors:
    """Return how pictures may be mirrored, by what the whole parent knows: what was cut out of it knows too little of
    any picture to say that of a mirrored one (benchmarks/RESULTS.md, search, Photographs).
    """
    whole = replace(parent.architecture, image_px=pictures.image_px)
    network = inherit(parent, whole, len(pictures.classes), some_of(pictures, seed), seed=seed)
    if not has_dense_head(network):
        return Mirrors()
    head, extractor = fit_on(network, pictures, folder)
    return mirrors_of(head, extractor, pictures.validation, folder)


def rates_for(architecture: Architecture, parent: Parent, classes: int) -> dict[str, float]:
    """Return the share of the learning rate for each layer of a network that takes over from a parent."""
    layers = architecture.layers(classes)
    if not is_parent(architecture, parent):
        return {layer.name: 1.0 for layer in layers if layer.weights}
    stages = stages_of(layers)
    sides = {layer.name: layer.shape[0] for layer in layers}
    large = sum(min(sides[name] for name in names) * KEPT_PART > architecture.image_px for names in stages)
    others = [layer.name for layer in layers if layer.weights and (len(layer.shape) == 1 or layer.name == HEAD)]
    return rates_of(stages, others, kept=min(large, len(stages) // 2) if keeps_early(architecture, parent) else 0)


def keeps_early(architecture: Architecture, parent: Parent) -> bool:
    """Say whether early layers and all normalizations stay as they are."""
    return is_parent(architecture, parent) and recipe_of(architecture.choices).learns == Learns.LATE


def is_parent(architecture: Architecture, parent: Parent) -> bool:
    """Say whether all layers are the parent's: networks may differ in resolution and classes."""
    return replace(architecture, image_px=parent.architecture.image_px).key == parent.architecture.key


def some_of(pictures: Dataset, seed: int) -> NDArray[np.uint8]:
    """Return some training pictures."""
    chosen = np.random.default_rng(seed).permutation(len(pictures.train))[:PICTURES]
    return np.asarray(pictures.train.images[np.sort(chosen)])
