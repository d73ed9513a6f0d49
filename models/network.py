"""From an architecture to a Keras network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from models.architecture import Architecture
from models.layers import INPUT, Layer

NORM_MOMENTUM = 0.95
"""Small data sets give few steps: statistics must follow within some twenty of them."""
DROPOUT = 0.2
"""Source: EfficientNet-EdgeTPU-S (tensorflow/tpu)."""


def build_network(architecture: Architecture, classes: int, seed: int, batch: int | None = None) -> keras.Model:
    """Return the untrained Keras network: float pictures in, a probability for each class out.

    Input is (batch, height, width, 3) in (pixel − 127) / 128, the scale that int8 quantization keeps exact. Every
    layer is a plain Keras layer with a name, so that the saved file loads anywhere in safe mode.

    Args:
        architecture: what to build.
        classes: number of classes, at least 2.
        seed: of the initial weights and the dropout.
        batch: a fixed batch length; None leaves it open.
    """
    side = architecture.image_px
    image = keras.Input((side, side, 3), batch_size=batch, name=INPUT, dtype="float32")
    streams: dict[str, Any] = {INPUT: image}
    layers = architecture.layers(classes)
    for number, layer in enumerate(layers):
        sources = [streams[name] for name in layer.inputs]
        streams[layer.name] = _KERAS[layer.kind](layer, sources, seed * 1000 + number)
    return keras.Model(image, streams[layers[-1].name], name=architecture.family)


def _finish(layer: Layer, stream: Any) -> Any:
    """Return the stream normalized and activated, as the layer says."""
    if layer.norm:
        normalize = keras.layers.BatchNormalization(momentum=NORM_MOMENTUM, epsilon=1e-3, name=f"{layer.name}_norm")
        stream = normalize(stream)
    if layer.activation == "none":
        return stream
    most = 6.0 if layer.activation == "relu6" else None
    return keras.layers.ReLU(max_value=most, name=f"{layer.name}_relu")(stream)


def _convolve(layer: Layer, sources: list[Any], seed: int) -> Any:
    convolution = keras.layers.Conv2D(
        layer.shape[-1],
        layer.kernel,
        strides=layer.stride,
        padding=layer.padding,
        use_bias=not layer.norm,
        kernel_initializer=keras.initializers.HeNormal(seed),
        name=layer.name,
    )
    return _finish(layer, convolution(sources[0]))


def _filter_depthwise(layer: Layer, sources: list[Any], seed: int) -> Any:
    taps = layer.kernel[0] * layer.kernel[1]
    convolution = keras.layers.DepthwiseConv2D(
        layer.kernel,
        strides=layer.stride,
        padding=layer.padding,
        use_bias=not layer.norm,
        # He's rule by hand: Keras counts all channels as fan-in, of which a depthwise filter reads one.
        depthwise_initializer=keras.initializers.TruncatedNormal(stddev=(2 / taps) ** 0.5, seed=seed),
        name=layer.name,
    )
    return _finish(layer, convolution(sources[0]))


def _pool_windows(layer: Layer, sources: list[Any], seed: int) -> Any:
    pool = keras.layers.MaxPooling2D if layer.kind == "MAX_POOL_2D" else keras.layers.AveragePooling2D
    return pool(layer.kernel, strides=layer.stride, padding=layer.padding, name=layer.name)(sources[0])


def _add(layer: Layer, sources: list[Any], seed: int) -> Any:
    return _finish(layer, keras.layers.Add(name=layer.name)(sources))


def _join(layer: Layer, sources: list[Any], seed: int) -> Any:
    return keras.layers.Concatenate(axis=3, name=layer.name)(sources)


def _pool(layer: Layer, sources: list[Any], seed: int) -> Any:
    pooled = keras.layers.GlobalAveragePooling2D(name=layer.name)(sources[0])
    return keras.layers.Dropout(DROPOUT, seed=seed, name=f"{layer.name}_dropout")(pooled)


def _connect(layer: Layer, sources: list[Any], seed: int) -> Any:
    initializer = keras.initializers.RandomUniform(-(layer.channels_in**-0.5), layer.channels_in**-0.5, seed)
    dense = keras.layers.Dense(layer.shape[-1], kernel_initializer=initializer, name=layer.name)
    return _finish(layer, dense(sources[0]))


def _softmax(layer: Layer, sources: list[Any], seed: int) -> Any:
    return keras.layers.Softmax(name=layer.name)(sources[0])


_KERAS: Mapping[str, Callable[[Layer, list[Any], int], Any]] = {
    "CONV_2D": _convolve,
    "DEPTHWISE_CONV_2D": _filter_depthwise,
    "MAX_POOL_2D": _pool_windows,
    "AVERAGE_POOL_2D": _pool_windows,
    "ADD": _add,
    "CONCATENATION": _join,
    "MEAN": _pool,
    "FULLY_CONNECTED": _connect,
    "SOFTMAX": _softmax,
}
