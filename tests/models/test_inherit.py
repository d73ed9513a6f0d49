from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.architecture import Architecture, Block
from models.errors import CannotInherit

WIDE = Architecture(
    "mobilenet_v2",
    32,
    16,
    (
        Block("depthwise", 3, 1, 0, 8),
        Block("depthwise", 3, 2, 48, 16),
        Block("depthwise", 3, 1, 64, 16),
        Block("depthwise", 3, 1, 64, 16),
        Block("depthwise", 3, 2, 64, 24),
    ),
    64,
    activation="relu6",
)
EDGE = Architecture(
    "efficientnet_edgetpu",
    32,
    16,
    (Block("fused", 3, 2, 48, 16), Block("fused", 3, 1, 64, 16), Block("depthwise", 5, 2, 64, 24)),
    64,
)
CHAIN = Architecture(
    "mobilenet_v1",
    32,
    16,
    (Block("separable", 3, 1, 0, 24, skip=False), Block("separable", 3, 2, 0, 48, skip=False)),
    0,
)


def _pictures(count: int = 48, side: int = 32) -> np.ndarray:
    """Smooth coloured blobs: neighbouring pixels are alike, as in photos."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (count, 5, 5, 3)).astype(np.float32)
    rows = np.linspace(0, 3.999, side)
    low, part = rows.astype(int), (rows % 1)[:, None]
    down = coarse[:, low] * (1 - part[..., None]) + coarse[:, low + 1] * part[..., None]
    across = down[:, :, low] * (1 - part) + down[:, :, low + 1] * part
    return across.astype(np.uint8)


def _parent(architecture: Architecture, classes: int = 4) -> Any:
    """A network whose batch norms know their inputs, as after a training."""
    import tensorflow as tf

    from models.network import build_network
    from models.pretrained import Parent

    network = build_network(architecture, classes, seed=3)
    floats = (_pictures(side=architecture.image_px).astype(np.float32) - 127) / 128
    for layer in network.layers:
        if layer.name.endswith("_norm"):
            layer.momentum = 0.0
    network(tf.constant(floats), training=True)
    return Parent(architecture, network, classes)


def _pooled(network: Any, pictures: np.ndarray) -> np.ndarray:
    import keras

    features = keras.Model(network.input, network.get_layer("pool").output)
    return np.asarray(features((pictures.astype(np.float32) - 127) / 128, training=False))


def _explained(network: Any, parent: Any, pictures: np.ndarray) -> float:
    """Share of the variance of the parent's pooled features that is linear in the child's, on unseen pictures."""
    mine, theirs = _pooled(network, pictures), _pooled(parent.network, pictures)
    half = len(pictures) // 2
    known = np.c_[mine, np.ones(len(mine))]
    kernel = np.linalg.solve(
        known[:half].T @ known[:half] + 1e-3 * np.eye(known.shape[1]), known[:half].T @ theirs[:half]
    )
    left = theirs[half:] - known[half:] @ kernel
    return float(1 - (left**2).sum() / ((theirs[half:] - theirs[half:].mean(axis=0)) ** 2).sum())


def _halved(architecture: Architecture) -> Architecture:
    blocks = tuple(
        replace(each, expanded=each.expanded // 2, filters=each.filters // 2) for each in architecture.blocks
    )
    return replace(architecture, stem_filters=8, blocks=blocks, head_filters=architecture.head_filters // 2)


def test_an_equal_architecture_takes_over_every_weight_but_those_of_the_classes() -> None:
    from models.inherit import inherit

    parent = _parent(WIDE)
    child = inherit(parent, WIDE, 7, _pictures(8), seed=0)
    assert child.output_shape == (None, 7)
    assert np.array_equal(_pooled(child, _pictures(4)), _pooled(parent.network, _pictures(4)))


@pytest.mark.parametrize("architecture", [WIDE, EDGE, CHAIN], ids=lambda each: each.family)
def test_the_same_body_rebuilt_layer_by_layer_computes_the_same(architecture: Architecture) -> None:
    from models.network import build_network
    from models.rows import Places
    from models.succession import Succession

    parent, pictures = _parent(architecture), _pictures(32)
    child = build_network(architecture, 4, seed=9)
    Succession(parent, architecture, child, Places(pictures, 4000, 0)).run()
    mine, theirs = _pooled(child, pictures), _pooled(parent.network, pictures)
    assert np.abs(mine - theirs).max() < 0.05 * theirs.std()


@pytest.mark.parametrize("architecture", [WIDE, EDGE, CHAIN], ids=lambda each: each.family)
def test_half_the_width_keeps_more_of_the_parent_than_new_weights_do(architecture: Architecture) -> None:
    from models.inherit import inherit
    from models.network import build_network

    parent, unseen = _parent(architecture), _pictures(600)
    child = inherit(parent, _halved(architecture), 4, _pictures(48), seed=0)
    fresh = build_network(_halved(architecture), 4, seed=0)
    assert _explained(child, parent, unseen) > _explained(fresh, parent, unseen) + 0.05


def test_kinds_of_blocks_that_cannot_be_cut_are_refused_with_a_sentence() -> None:
    from models.inherit import inherit

    residual = replace(WIDE, family="resnet", blocks=(Block("bottleneck", 3, 1, 16, 32),))
    with pytest.raises(CannotInherit, match=r"A resnet network has blocks of kind bottleneck.*from scratch"):
        inherit(_parent(WIDE), residual, 4, _pictures(8), seed=0)
