"""Batch normalization as one operation while a network learns; Keras computes the same in nine, and waits for memory.

That halves the time of a training step (benchmarks/RESULTS.md, search, What a step takes). The layers are those of the
network itself, which stays plain Keras, as does what is saved of it.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def fused(network: keras.Model) -> keras.Model:
    """Return a network of the very same layers and variables, with every batch norm in one operation."""
    found: keras.Model = keras.models.clone_model(network, clone_function=_fused_layer)
    return found


class _FusedNorm(keras.layers.Layer):
    """A batch norm of channels that come last, with its own variables."""

    def __init__(self, norm: Any) -> None:
        super().__init__(name=f"{norm.name}_fused")
        self._norm = norm

    def call(self, inputs: Any, training: bool | None = None, mask: None = None) -> Any:
        """Return normalized values; while it learns by the batch's mean and spread, which the batch norm remembers."""
        norm = self._norm
        if not training or not norm.trainable:
            return norm(inputs, training=False)
        outputs, mean, of_sample = tf.compat.v1.nn.fused_batch_norm(
            inputs, norm.gamma.value, norm.beta.value, epsilon=norm.epsilon
        )
        values = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], tf.float32)
        variance = of_sample * (values - 1) / values  # of the batch itself, as Keras remembers it
        for memory, found in ((norm.moving_mean, mean), (norm.moving_variance, variance)):
            memory.assign(memory * norm.momentum + found * (1 - norm.momentum))
        return outputs


def _fused_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    if type(layer) is not keras.layers.BatchNormalization or layer.axis not in (-1, 3):
        return layer
    return _FusedNorm(layer) if layer.scale and layer.center else layer
