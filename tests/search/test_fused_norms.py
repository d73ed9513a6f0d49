from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.architecture import Architecture, Block

pytestmark = pytest.mark.slow

SMALL = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8), Block("depthwise", 3, 1, 16, 8)), 16)


def taught_once(network: Any, run: Any, pictures: Any) -> tuple[Any, list[Any]]:
    """Return what a network answers while it learns, and its gradients; its norms remember the pictures."""
    import tensorflow as tf

    weights = [variable.value for variable in network.trainable_variables]
    with tf.GradientTape() as tape:
        answers = run(pictures, training=True)
        loss = tf.reduce_sum(answers**2)
    return answers.numpy(), [np.asarray(each) for each in tape.gradient(loss, weights)]


def test_norms_in_one_operation_answer_learn_and_remember_as_keras_own() -> None:
    import keras

    from models.network import build_network
    from search.fused_norms import fused

    random = np.random.default_rng(0)
    pictures = random.normal(size=(8, 16, 16, 3)).astype(np.float32)
    plain, network = (build_network(SMALL, 4, 1) for _ in range(2))
    for one in (plain, network):
        for layer in one.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
    twin = fused(network)
    answers, gradients = taught_once(plain, plain, pictures)
    same_answers, same_gradients = taught_once(network, twin, pictures)
    assert np.allclose(answers, same_answers, atol=1e-5)
    assert len(gradients) == len(same_gradients) > 10
    for one, other in zip(gradients, same_gradients, strict=True):
        assert np.allclose(one, other, atol=1e-4)
    remembered = [np.asarray(weight) for weight in plain.get_weights()]
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(remembered, network.get_weights(), strict=True))
    assert not np.allclose(plain.get_layer("stem_norm").moving_mean, 0), "they did remember"
    looked = plain(pictures, training=False).numpy()
    assert np.allclose(looked, twin(pictures, training=False).numpy(), atol=1e-5)


def test_the_network_itself_stays_plain_keras() -> None:
    from models.network import build_network
    from search.fused_norms import fused

    network = build_network(SMALL, 4, 1)
    kinds = [type(layer) for layer in network.layers]
    twin = fused(network)
    assert [type(layer) for layer in network.layers] == kinds
    assert [variable.path for variable in network.variables] == [variable.path for variable in twin.variables]
    kept = network.get_layer("stem_norm")
    kept.trainable = False
    before = np.asarray(kept.moving_mean)
    twin(np.ones((2, 16, 16, 3), np.float32), training=True)
    assert np.array_equal(kept.moving_mean, before), "what does not learn remembers nothing"
