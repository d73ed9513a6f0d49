from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.architecture import Architecture, Block

SMALL = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8), Block("depthwise", 3, 1, 16, 8)), 16)


def test_the_keras_network_has_the_parameters_that_were_counted() -> None:
    from models.network import build_network

    network = build_network(SMALL, 3, seed=0)
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == SMALL.parameters(3)
    assert network.output_shape == (None, 3)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    from models.network import build_network

    one, same, other = (build_network(SMALL, 3, seed=seed).get_layer("stem").get_weights()[0] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.slow
def test_a_checkpoint_retrains_in_plain_keras_without_anything_of_ours(tmp_path: Path) -> None:
    import keras

    from models.network import build_network

    build_network(SMALL, 3, seed=0).save(tmp_path / "checkpoint.keras")
    network = keras.models.load_model(tmp_path / "checkpoint.keras", safe_mode=True)
    head = keras.layers.Dense(2, activation="softmax", name="new_head")(network.get_layer("pool_dropout").output)
    model = keras.Model(network.input, head)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    pictures = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3))
    history = model.fit((pictures - 127.0) / 128.0, np.arange(32) % 2, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"][-1])
    assert all(type(layer).__module__.startswith("keras.") for layer in network.layers)
