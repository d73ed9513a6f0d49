"""What networks say to pictures: the float network, and its int8 and uint8 files on the CPU."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edgetpu.runtime import run_on_cpu
from models.correct import as_input, load_network


def classify_int8(model: Path, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return the raw answers (pictures, classes) of an int8 file whose input is the pixel − 128."""
    pixels = np.asarray(images)
    return run_on_cpu(model, (pixels ^ 0x80).view(np.int8), kernels="optimized")


def probabilities_of(answers: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return the probabilities that raw answers of an int8 file stand for: its softmax counts from −128 in 256ths."""
    return (answers.astype(np.float32) + np.float32(128)) / np.float32(256)


def classify_uint8(model: Path, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the raw answers (pictures, classes) of a uint8 file whose input is the pixel."""
    return run_on_cpu(model, np.asarray(images), kernels="optimized")


def classify_float(checkpoint: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities (pictures, classes) that the float network gives."""
    return _answers(load_network(checkpoint), images)


def _answers(network: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what a network answers; as a graph, because layer by layer Keras takes several times as long."""
    taken = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)
    answer = tf.function(lambda pictures: network(pictures, training=False), input_signature=[taken], autograph=False)
    parts = [images[start : start + 64] for start in range(0, len(images), 64)]
    return np.concatenate([answer(tf.constant(as_input(part))).numpy() for part in parts])
