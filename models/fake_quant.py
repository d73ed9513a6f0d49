"""The Keras layers of quantization-aware training: they compute in float what int8 arithmetic will give.

They live only while a network is trained for int8; what is kept is a plain network (`models.qat`).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

_RANGE_MOMENTUM = 0.95
"""Of the ranges of activations, which follow the batches seen in training."""


def round_kernel(kernel: Any, *, per_channel: bool) -> Any:
    """Return the kernel as int8 holds it: symmetric, a scale for each channel of the last axis or one for all.

    Gradients pass as if nothing had been rounded.
    """
    axes = list(range(len(kernel.shape) - 1)) if per_channel else None
    largest = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(kernel), axis=axes), 1e-12))
    quantize = (
        tf.quantization.fake_quant_with_min_max_vars_per_channel
        if per_channel
        else tf.quantization.fake_quant_with_min_max_vars
    )
    return quantize(kernel, -largest, largest, num_bits=8, narrow_range=True)


class RoundedConv2D(keras.layers.Conv2D):
    """A convolution with an int8 kernel."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the convolution, without bias."""
        return super().convolution_op(inputs, round_kernel(kernel, per_channel=True))


class RoundedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """A depthwise convolution with an int8 kernel."""

    def call(self, inputs: Any) -> Any:
        """Return the convolution with its bias and activation."""
        height, width, channels, multiplier = self.kernel.shape
        flat = tf.reshape(tf.convert_to_tensor(self.kernel), (height, width, channels * multiplier))
        kernel = tf.reshape(round_kernel(flat, per_channel=True), self.kernel.shape)
        found = keras.ops.depthwise_conv(
            inputs, kernel, strides=self.strides, padding=self.padding, dilation_rate=self.dilation_rate
        )
        return self.activation(found + self.bias if self.use_bias else found)


class RoundedDense(keras.layers.Dense):
    """A dense layer with an int8 kernel of one scale."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the product with its bias and activation."""
        kernel = round_kernel(tf.convert_to_tensor(self.kernel), per_channel=False)
        found = tf.matmul(inputs, kernel)
        return self.activation(found + self.bias if self.use_bias else found)


class RoundedActivation(keras.layers.Layer):
    """Activations as int8 holds them, within the range that batches had lately."""

    def build(self, input_shape: Any) -> None:
        """Make the two ends of the range."""
        zeros = keras.initializers.Zeros()
        self.low = self.add_weight(name="low", shape=(), initializer=zeros, trainable=False)
        self.high = self.add_weight(name="high", shape=(), initializer=zeros, trainable=False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the rounded activations; in training the range follows them."""
        if training:
            self._follow(inputs)
        high = tf.maximum(tf.convert_to_tensor(self.high), 1e-6)
        return tf.quantization.fake_quant_with_min_max_vars(inputs, tf.convert_to_tensor(self.low), high, num_bits=8)

    def _follow(self, inputs: Any) -> None:
        """Widen the range at once to the first batch, later let it follow slowly."""
        low, high = tf.minimum(tf.reduce_min(inputs), 0.0), tf.maximum(tf.reduce_max(inputs), 0.0)
        seen = tf.convert_to_tensor(self.high) > tf.convert_to_tensor(self.low)
        momentum = tf.where(seen, _RANGE_MOMENTUM, 0.0)
        self.low.assign(momentum * self.low + (1.0 - momentum) * low)
        self.high.assign(momentum * self.high + (1.0 - momentum) * high)
