"""Which batch norm belongs to which kernel, and how the two become one, as they do in an int8 file.

Kernels are looked at as matrices (…, channels): the last axes of convolution, depthwise and dense kernels all run over
the channels that come out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.errors import QuantizationFailed

Floats = NDArray[np.float32]
KERNEL_LAYERS: tuple[type, ...] = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
"""Layers whose kernels an int8 file keeps as integers."""
_STEPS = 127
"""Steps on each side of zero: weights are symmetric, −128 is not used. Source: TensorFlow Lite's int8 specification."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A layer with a kernel, and the batch norm that alone reads it."""

    layer: Any
    norm: Any | None


def chains_of(network: keras.Model) -> dict[str, Chain]:
    """Return every layer with a kernel by its name.

    Raises:
        QuantizationFailed: if a layer is used twice, so that it has no one place in the network.
    """
    readers = Counter(name for sources in sources_of(network).values() for name in sources)
    norms = {
        sources[0]: network.get_layer(name)
        for name, sources in sources_of(network).items()
        if type(network.get_layer(name)) is keras.layers.BatchNormalization and readers[sources[0]] == 1
    }
    kernels = [layer for layer in network.layers if type(layer) in KERNEL_LAYERS]
    return {layer.name: Chain(layer, norms.get(layer.name) if _is_linear(layer) else None) for layer in kernels}


def sources_of(network: keras.Model) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the layers that each layer reads.

    Raises:
        QuantizationFailed: if a layer is used twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if len(layer._inbound_nodes) != 1:
            raise QuantizationFailed(
                f"The layer {layer.name!r} is used at several places, so its weights cannot be corrected for int8."
            )
        inputs = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
        found[layer.name] = tuple(tensor._keras_history.operation.name for tensor in inputs)
    return found


def _is_linear(layer: Any) -> bool:
    return layer.activation is keras.activations.linear


def fold(chain: Chain) -> tuple[Floats, Floats]:
    """Return the kernel, in its layer's shape, and the bias that do the same without batch norm."""
    kernel = np.asarray(chain.layer.kernel, np.float32)
    channels = channels_of(chain.layer)
    bias = np.asarray(chain.layer.bias, np.float32) if chain.layer.use_bias else np.zeros(channels, np.float32)
    if chain.norm is None:
        return kernel, bias
    norm = chain.norm
    gain = np.asarray(norm.gamma) if norm.scale else np.ones(channels, np.float32)
    offset = np.asarray(norm.beta) if norm.center else np.zeros(channels, np.float32)
    gain = gain / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    folded = (kernel.reshape(-1, channels) * gain).reshape(kernel.shape)
    return folded.astype(np.float32), (offset + (bias - np.asarray(norm.moving_mean)) * gain).astype(np.float32)


def unfold(chain: Chain, kernel: Floats, bias: Floats, mean: Floats, variance: Floats) -> None:
    """Write a folded kernel and bias back, so that the layer with its batch norm does the same as they do.

    The batch norm gets the statistics of what the kernel gives, so that the network can be trained on: with other
    statistics its first training step would scale every channel anew.

    Args:
        chain: where to.
        kernel: in the layer's shape.
        bias: (channels,)
        mean: (channels,), of what the kernel gives on training pictures, without the bias.
        variance: (channels,), of the same.
    """
    chain.layer.kernel.assign(kernel)
    norm = chain.norm
    if norm is None:
        if chain.layer.use_bias:
            chain.layer.bias.assign(bias)
        return
    if chain.layer.use_bias:
        chain.layer.bias.assign(np.zeros_like(bias))
    spread = variance if norm.scale else np.full_like(variance, 1.0 - norm.epsilon)
    middle = mean if norm.center else -bias
    norm.moving_mean.assign(middle)
    norm.moving_variance.assign(spread)
    if norm.scale:
        norm.gamma.assign(np.sqrt(spread + norm.epsilon))
    if norm.center:
        norm.beta.assign(bias + middle)


def snapped(layer: Any, kernel: Floats) -> Floats:
    """Return the kernel with every weight at the nearest value that the int8 file can hold.

    Each channel of a convolution has a scale of its own, a dense layer one for all (STACK.md: the compiler's runtime
    reads scales per channel wrongly there).
    """
    matrix = kernel.reshape(-1, channels_of(layer))
    largest = np.abs(matrix).max(axis=None if isinstance(layer, keras.layers.Dense) else 0, keepdims=True)
    step = np.maximum(largest, 1e-12) / _STEPS
    return (np.round(matrix / step) * step).reshape(kernel.shape).astype(np.float32)


def channels_of(layer: Any) -> int:
    """Return how many channels a layer with a kernel gives."""
    shape = layer.kernel.shape
    return int(shape[-1] * shape[-2] if isinstance(layer, keras.layers.DepthwiseConv2D) else shape[-1])
