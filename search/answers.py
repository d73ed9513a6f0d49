"""What networks say to pictures: the float network, and its int8 and uint8 files on the CPU."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from edgetpu.runtime import run_on_cpu
from models.correct import as_input, load_network

Guesses = NDArray[np.int64]


def classify_int8(model: Path, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return the raw answers (pictures, classes) of an int8 file whose input is the pixel − 128."""
    pixels = np.asarray(images)
    return run_on_cpu(model, (pixels ^ 0x80).view(np.int8), kernels="optimized")


def classify_uint8(model: Path, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the raw answers (pictures, classes) of a uint8 file whose input is the pixel."""
    return run_on_cpu(model, np.asarray(images), kernels="optimized")


def classify_float(checkpoint: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities (pictures, classes) that the float network gives."""
    return _answers(load_network(checkpoint), images)


def _answers(network: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    parts = [images[start : start + 64] for start in range(0, len(images), 64)]
    return np.concatenate([np.asarray(network(as_input(part), training=False)) for part in parts])


def image_px_of(checkpoint: Path) -> int:
    """Return the side of the pictures that a network takes."""
    return int(load_network(checkpoint).input_shape[1])
