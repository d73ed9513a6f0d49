from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from models.architecture import Architecture, Block
from models.correct import as_input, correct
from models.network import build_network
from models.norms import settle_norms

pytestmark = pytest.mark.slow

SMALL = Architecture("made_up", 16, 8, (Block("fused", 3, 2, 16, 8), Block("depthwise", 3, 1, 32, 8)), 16)


@pytest.fixture
def pictures() -> NDArray[np.uint8]:
    random = np.random.default_rng(0)
    bright = random.uniform(
        0.1, 1.0, (64, 1, 1, 3)
    )  # pictures that differ, so that no channel is nearly the same in all
    return (random.integers(0, 256, (64, 16, 16, 3)) * bright).astype(np.uint8)


@pytest.fixture
def folded() -> keras.Model:
    """A network whose norms pass on what they get, while that is far from mean 0 and spread 1."""
    network = build_network(SMALL, 3, 1)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(np.full(layer.gamma.shape, 1.5))
            layer.beta.assign(np.linspace(-0.5, 0.5, layer.beta.shape[0]))
    return network


def answers(network: keras.Model, pictures: NDArray[np.uint8], **how: Any) -> NDArray[np.float32]:
    """Return what the last norm gives: behind it units are dropped in training."""
    last = keras.Model(network.input, network.get_layer("head_norm").output)
    return np.asarray(last(as_input(pictures), **how))


def test_a_settled_network_computes_the_same_also_as_one_that_learns(
    folded: keras.Model, pictures: NDArray[np.uint8]
) -> None:
    before = answers(folded, pictures)
    as_read = keras.models.clone_model(folded)
    as_read.set_weights(folded.get_weights())
    assert np.abs(answers(as_read, pictures, training=True) - before).max() > 0.5 * np.abs(before).max()
    settle_norms(folded, pictures)
    np.testing.assert_allclose(answers(folded, pictures), before, rtol=1e-3, atol=1e-3 * float(np.abs(before).max()))
    np.testing.assert_allclose(
        answers(folded, pictures, training=True), before, rtol=0.05, atol=0.02 * float(np.abs(before).max())
    )


def test_a_network_without_norms_is_left_alone(pictures: NDArray[np.uint8]) -> None:
    inputs = keras.Input((16, 16, 3))
    network = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    settle_norms(network, pictures)


def test_correction_keeps_what_a_network_with_folded_norms_knows(
    folded: keras.Model, pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    folded.save(tmp_path / "network.keras")
    before = answers(folded, pictures)
    correct(tmp_path / "network.keras", pictures, tmp_path / "corrected.keras", seed=0)
    after = answers(keras.models.load_model(tmp_path / "corrected.keras"), pictures)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.99
