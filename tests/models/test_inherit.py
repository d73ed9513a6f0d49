from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.alignment import align
from models.architecture import Architecture, Block
from models.channel_choice import carry_channels, carry_mixtures, keep_channels
from models.errors import CannotInherit
from models.kernels import at_size, separated
from models.ridge import refit

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


_UNSEEN = 300


def _pictures(count: int = 48, side: int = 32) -> np.ndarray:
    """Smooth coloured blobs: neighbouring pixels are alike, as in photos."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (count, 5, 5, 3)).astype(np.float32)
    rows = np.linspace(0, 3.999, side)
    low, part = rows.astype(int), (rows % 1)[:, None]
    down = coarse[:, low] * (1 - part[..., None]) + coarse[:, low + 1] * part[..., None]
    across = down[:, :, low] * (1 - part) + down[:, :, low + 1] * part
    return across.astype(np.uint8)


@functools.cache
def _parent(architecture: Architecture, classes: int = 4) -> Any:
    """A network whose batch norms know their inputs, as after a training; tests only read it."""
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


@functools.cache
def _features_of(parent: Any) -> np.ndarray:
    return _pooled(parent.network, _pictures(_UNSEEN, parent.architecture.image_px))


def _explained(network: Any, parent: Any, side: int) -> float:
    """Share of the variance of the parent's pooled features that is linear in the child's, on unseen pictures."""
    mine = _pooled(network, _pictures(_UNSEEN, side))
    theirs = _features_of(parent)
    half = len(mine) // 2
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


def _changed(architecture: Architecture, number: int, **changes: Any) -> Architecture:
    """The architecture with another block in place of one, counted from 1."""
    blocks = list(architecture.blocks)
    blocks[number - 1] = replace(blocks[number - 1], **changes)
    return replace(architecture, blocks=tuple(blocks))


def _without(architecture: Architecture, *numbers: int) -> Architecture:
    kept = [block for number, block in enumerate(architecture.blocks, 1) if number not in numbers]
    return replace(architecture, blocks=tuple(kept))


DEEPER = replace(WIDE, blocks=(*WIDE.blocks[:3], WIDE.blocks[2], *WIDE.blocks[3:]))
CHILDREN = {
    "half the width": (WIDE, _halved(WIDE)),
    "half the width, fused": (EDGE, _halved(EDGE)),
    "half the width, separable": (CHAIN, _halved(CHAIN)),
    "shallower": (WIDE, _without(WIDE, 3, 4)),
    "deeper": (WIDE, DEEPER),
    "wider": (WIDE, _changed(WIDE, 5, expanded=96, filters=40)),
    "wider head": (WIDE, replace(WIDE, head_filters=96)),
    "no head": (WIDE, replace(WIDE, head_filters=0)),
    "larger windows": (WIDE, _changed(WIDE, 3, kernel=5)),
    "smaller windows": (EDGE, _changed(EDGE, 3, kernel=3)),
    "depthwise for fused": (EDGE, _changed(EDGE, 2, kind="depthwise")),
    "fused for depthwise": (WIDE, _changed(WIDE, 3, kind="fused")),
    "no expansion": (WIDE, _changed(WIDE, 3, expanded=0)),
    "no skip": (WIDE, _changed(WIDE, 3, skip=False)),
    "given up stride": (WIDE, _changed(WIDE, 5, stride=1)),
    "another activation": (WIDE, replace(_halved(WIDE), activation="relu")),
    "lower resolution": (WIDE, replace(_halved(WIDE), image_px=24)),
}


@pytest.mark.parametrize("change", CHILDREN)
def test_a_changed_network_keeps_more_of_its_parent_than_new_weights_do(change: str) -> None:
    from models.inherit import inherit
    from models.network import build_network

    architecture, changed = CHILDREN[change]
    parent, side = _parent(architecture), changed.image_px
    child = inherit(parent, changed, 4, _pictures(48, side), seed=0)
    fresh = build_network(changed, 4, seed=0)
    assert all(np.isfinite(weight).all() for weight in child.get_weights())
    assert _explained(child, parent, side) > _explained(fresh, parent, side) + 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("theirs", "mine"), [("fused", "fused"), ("fused", "depthwise"), ("depthwise", "depthwise")])
def test_a_child_that_lost_the_block_between_two_widths_still_takes_over_the_rest(theirs: str, mine: str) -> None:
    from models.inherit import inherit
    from models.network import build_network

    last = Block("depthwise", 3, 2, 64, 24)
    lost = Block("fused", 3, 1, 32, 8)
    large = Architecture("efficientnet_edgetpu", 24, 16, (lost, Block(theirs, 3, 2, 32, 16), last), 64)
    small = Architecture("efficientnet_edgetpu", 24, 16, (Block(mine, 3, 2, 32, 16), last), 64)
    assert align(small, large, [1.0] * 3)[0].takes_after == 1, (
        "whose kernel reads 8 channels, where the child carries 16"
    )
    parent = _parent(large)
    child = inherit(parent, small, 4, _pictures(side=24), seed=0)
    assert _explained(child, parent, 24) > _explained(build_network(small, 4, seed=5), parent, 24)


def test_equal_seeds_inherit_equally() -> None:
    from models.inherit import inherit

    one, same = (inherit(_parent(WIDE), _halved(WIDE), 4, _pictures(16), seed=5) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), same.get_weights(), strict=True))


def test_batch_norms_know_the_statistics_of_what_reaches_them() -> None:
    """So that a training, which normalizes with its batches, begins with the same function."""
    import tensorflow as tf

    from models.inherit import inherit

    pictures = _pictures(48)
    child = inherit(_parent(WIDE), _halved(WIDE), 4, pictures, seed=0)
    before = _pooled(child, pictures)
    for layer in child.layers:
        if layer.name.endswith("_norm"):
            layer.momentum = 0.0
    child(tf.constant((pictures.astype(np.float32) - 127) / 128), training=True)
    assert np.abs(_pooled(child, pictures) - before).max() < 0.1 * before.std()


def test_kinds_of_blocks_that_cannot_be_cut_are_refused_with_a_sentence() -> None:
    from models.inherit import inherit

    residual = replace(WIDE, family="resnet", blocks=(Block("bottleneck", 3, 1, 16, 32),))
    with pytest.raises(CannotInherit, match=r"A resnet network has blocks of kind bottleneck.*from scratch"):
        inherit(_parent(WIDE), residual, 4, _pictures(8), seed=0)


def test_a_stage_that_loses_blocks_keeps_its_first_and_those_that_add_most() -> None:
    matches = align(_without(WIDE, 3), WIDE, [1.0, 1.0, 0.1, 0.4, 1.0])
    assert [match.takes_after for match in matches] == [0, 1, 3, 4]
    assert [match.follows for match in matches] == [0, 2, 3, 4]


def test_a_stage_that_gains_blocks_leaves_them_new() -> None:
    matches = align(DEEPER, WIDE, [1.0, 1.0, 0.3, 0.3, 1.0])
    assert [match.takes_after for match in matches].count(None) == 1
    assert [match.takes_after for match in matches][:2] == [0, 1]
    assert matches[-1].takes_after == 4


def test_every_network_of_the_spaces_can_be_matched_with_the_published_one() -> None:
    from models.families import FAMILIES

    random = np.random.default_rng(0)
    family = FAMILIES["mobilenet_v2"]
    published = family.published["mobilenet-v2-1"]
    for _ in range(20):
        child = family.build({name: random.choice(values).item() for name, values in family.choices(96).items()})
        matches = align(child, published, [0.3] * len(published.blocks))
        taken = [match.takes_after for match in matches if match.takes_after is not None]
        assert taken == sorted(set(taken))
        assert len(taken) == len(child.blocks)
        assert matches[-1].follows == len(published.blocks) - 1


def test_kernels_are_cut_and_padded_around_their_middle() -> None:
    kernel = np.arange(25, dtype=np.float32).reshape(5, 5, 1)
    assert np.array_equal(at_size(kernel, 3)[..., 0], kernel[1:4, 1:4, 0])
    assert np.array_equal(at_size(at_size(kernel, 3), 5)[1:4, 1:4], kernel[1:4, 1:4])


def test_a_full_convolution_that_is_a_depthwise_one_after_a_mixing_one_is_taken_apart_exactly() -> None:
    random = np.random.default_rng(0)
    mixing, window = random.normal(size=(6, 4)), random.normal(size=(3, 3, 4))
    found_mixing, found_window = separated((window[:, :, None] * mixing).astype(np.float32))
    assert np.allclose(found_window[:, :, None] * found_mixing, window[:, :, None] * mixing, atol=1e-5)


def test_a_refitted_kernel_stays_where_the_pictures_say_nothing() -> None:
    random = np.random.default_rng(0)
    inputs = np.c_[random.normal(size=(500, 2)), np.zeros(500)].astype(np.float32)
    wanted = (inputs @ np.array([[2.0], [-1.0], [0.0]]) + 3).astype(np.float32)
    kernel, bias = refit(inputs, wanted, np.array([[0.0], [0.0], [7.0]], np.float32))
    assert np.allclose(kernel[:, 0], [2, -1, 7], atol=0.05)
    assert np.allclose(bias, 3, atol=0.05)


def test_mixtures_keep_more_of_a_stream_than_as_many_of_its_channels() -> None:
    random = np.random.default_rng(0)
    stream = (random.normal(size=(400, 3)) @ random.normal(size=(3, 8)) + 0.1 * random.normal(size=(400, 8))).astype(
        "f"
    )
    mixed = carry_mixtures(stream, np.eye(8, dtype=np.float32), 3, seed=0)
    picked = carry_channels(stream, keep_channels(stream, np.ones(8, np.float32), 3))
    lost = [np.var(stream - stream @ each.mixture @ each.recovery) for each in (mixed, picked)]
    assert lost[0] < 0.7 * lost[1]
