"""The way from a Keras network to TensorFlow Lite's converter."""

from __future__ import annotations

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


def converter_of(network: keras.Model, batch: int) -> tf.lite.TFLiteConverter:
    """Return a converter of a network for float input, for exactly so many pictures at a time.

    Weights become constants first: from a Keras model the same file takes twice as long, most of it for the export of
    its variables (benchmarks/RESULTS.md, Quantization).
    """
    pictures = tf.TensorSpec((batch, *network.input_shape[1:]), tf.float32, name="image")
    answer = tf.function(lambda image: {"output_0": network(image, training=False)}, autograph=False)
    constant = convert_variables_to_constants_v2(answer.get_concrete_function(pictures))
    return tf.lite.TFLiteConverter.from_concrete_functions([constant], tf.Module())
