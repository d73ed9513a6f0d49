"""The kernels of a trained network as plain arrays, batch norm folded in, and at other window sizes."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Kernels:
    """What a network's convolutions multiply by."""

    def __init__(self, network: keras.Model) -> None:
        self._layers = {layer.name: layer for layer in network.layers}

    def __contains__(self, name: str) -> bool:
        return name in self._layers

    def full(self, name: str) -> Floats:
        """Return (height, width, in, out) of a convolution, or (1, 1, in, out) of a dense layer."""
        kernel = self._layers[name].get_weights()[0]
        return (kernel[None, None] if kernel.ndim == 2 else kernel) * self._scale(name)

    def depthwise(self, name: str) -> Floats:
        """Return (height, width, channels) of a depthwise convolution."""
        kernel: Floats = self._layers[name].get_weights()[0][..., 0]
        return kernel * self._scale(name)

    def _scale(self, name: str) -> Floats | np.float32:
        norm = self._layers.get(f"{name}_norm")
        if norm is None:
            return np.float32(1)
        gamma, _, _, variance = norm.get_weights()
        scale: Floats = gamma / np.sqrt(variance + norm.epsilon)
        return scale


def at_size(kernel: Floats, side: int) -> Floats:
    """Return a kernel cut to, or surrounded by zeros up to, another window size; odd sizes keep their middle."""
    height = kernel.shape[0]
    if side <= height:
        first = (height - side) // 2
        return kernel[first : first + side, first : first + side]
    before = (side - height) // 2
    after = side - height - before
    return np.pad(kernel, ((before, after), (before, after), *((0, 0),) * (kernel.ndim - 2)))


def separated(kernel: Floats) -> tuple[Floats, Floats]:
    """Return (mixing, window): the nearest 1×1 convolution followed by a depthwise one for each output channel.

    Args:
        kernel: (height, width, in, out).

    Returns:
        Mixing (in, out) and window (height, width, out).
    """
    height, width, inputs, outputs = kernel.shape
    matrices = kernel.reshape(height * width, inputs, outputs).transpose(2, 0, 1)
    windows, strengths, mixings = np.linalg.svd(matrices, full_matrices=False)
    root = np.sqrt(strengths[:, :1])
    window = (windows[:, :, 0] * root).T.reshape(height, width, outputs)
    return (mixings[:, 0] * root).T, window
