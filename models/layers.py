"""The layers of a network in order, and the int8 graph that conversion makes of them. Pure: no Keras here.

Keras network and graph are both built from the same layers, so the estimate of an architecture is the estimate of the
file that will be built from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

from edgetpu.graph import Graph, Op, Quantization, Tensor

INPUT = "image"
"""The name of what goes into every network."""

Kind = Literal[
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
    "ADD",
    "CONCATENATION",
    "MEAN",
    "FULLY_CONNECTED",
    "SOFTMAX",
]
Activation = Literal["none", "relu", "relu6"]
Padding = Literal["same", "valid"]
Options = dict[str, int | float | bool | str | tuple[int, ...]]
_Parts = tuple[tuple[Tensor, ...], Options]
"""The constants of a layer, and its options."""

OP_VERSIONS: Mapping[str, int] = MappingProxyType(
    {
        "CONV_2D": 3,
        "DEPTHWISE_CONV_2D": 3,
        "MAX_POOL_2D": 2,
        "AVERAGE_POOL_2D": 2,
        "ADD": 2,
        "CONCATENATION": 2,
        "MEAN": 2,
        "FULLY_CONNECTED": 4,
        "SOFTMAX": 2,
    }
)
"""Versions that TensorFlow 2.21's converter writes for int8 operations; a test compares them with converted files."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a network; batch normalization and activation belong to the layer before them."""

    kind: Kind
    name: str
    inputs: tuple[str, ...]
    """Names of the layers read, or `INPUT`."""
    shape: tuple[int, ...]
    """What comes out: (height, width, channels), or (channels,) after the global mean."""
    channels_in: int
    kernel: tuple[int, int] = (1, 1)
    """Height and width of the window."""
    stride: int = 1
    padding: Padding = "same"
    activation: Activation = "none"
    norm: bool = False
    """Whether batch norm follows; a convolution or dense layer without it has a bias."""

    @property
    def weights(self) -> int:
        """Number of weights, without biases."""
        channels, taps = self.shape[-1], self.kernel[0] * self.kernel[1]
        match self.kind:
            case "CONV_2D" | "FULLY_CONNECTED":
                return taps * self.channels_in * channels
            case "DEPTHWISE_CONV_2D":
                return taps * channels
            case _:
                return 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one picture."""
        height, width = self.shape[:2] if len(self.shape) == 3 else (1, 1)
        return height * width * self.weights

    @property
    def parameters(self) -> int:
        """Trainable parameters: weights with their batch-norm scale and offset, or with their bias."""
        return self.weights + self.shape[-1] * (2 if self.norm else 1) if self.weights else 0


class _Converted(NamedTuple):
    """What conversion makes of one layer, but for the places of its tensors in the graph."""

    constants: tuple[Tensor, ...]
    output: Tensor
    options: Options


def graph_of(layers: Sequence[Layer], image: tuple[int, int, int], name: str = "") -> Graph:
    """Return the int8 graph that conversion will give, without weights.

    Args:
        layers: in the order in which they run; the last one's output is the network's.
        image: (height, width, channels) of the input.
        name: what people call the network.
    """
    tensors, ops, position = [_activation(INPUT, image)], [], {INPUT: 0}
    for layer in layers:
        constants, output, options = _converted(layer)
        first, last = len(tensors), len(tensors) + len(constants)
        tensors += (*constants, output)
        sources = [position[source] for source in layer.inputs]
        position[layer.name] = last
        reads = (*sources, *range(first, last))
        ops.append(Op(layer.kind, reads, (last,), OP_VERSIONS[layer.kind], options, layer.name))
    return Graph(tuple(tensors), tuple(ops), (0,), (len(tensors) - 1,), name)


@lru_cache(maxsize=16384)
def _converted(layer: Layer) -> _Converted:
    """Return a layer's tensors and options; remembered, because the networks of a search share most layers."""
    constants, options = _CONVERT[layer.kind](layer)
    return _Converted(constants, _activation(layer.name, layer.shape), options)


@lru_cache(maxsize=4096)
def _unit_scales(channels: int, axis: int = 0) -> Quantization:
    """Return scales that stand for those that conversion will find: only their number matters here."""
    return Quantization((1.0,) * channels, (0,) * channels, axis)


def _weights(layer: Layer, shape: tuple[int, ...], scales: int, axis: int = 0) -> tuple[Tensor, Tensor]:
    """Return a layer's weights and its biases."""
    kernel = Tensor(f"{layer.name}/kernel", shape, "int8", _unit_scales(scales, axis), constant=True)
    bias = Tensor(f"{layer.name}/bias", (layer.shape[-1],), "int32", _unit_scales(scales), constant=True)
    return kernel, bias


def _activation(name: str, shape: tuple[int, ...]) -> Tensor:
    return Tensor(name, (1, *shape), "int8", _unit_scales(1))


def _strides(layer: Layer) -> Options:
    return {"padding": layer.padding.upper(), "stride_h": layer.stride, "stride_w": layer.stride, **_fused(layer)}


def _fused(layer: Layer) -> Options:
    return {"fused_activation_function": layer.activation.upper()}


_UNDILATED: Options = {"dilation_h_factor": 1, "dilation_w_factor": 1}


def _convolution(layer: Layer) -> _Parts:
    channels = layer.shape[-1]
    shape = (channels, *layer.kernel, layer.channels_in)
    return _weights(layer, shape, channels), _strides(layer) | _UNDILATED


def _depthwise(layer: Layer) -> _Parts:
    channels = layer.shape[-1]
    options: Options = {**_strides(layer), **_UNDILATED, "depth_multiplier": 1}
    return _weights(layer, (1, *layer.kernel, channels), channels, axis=3), options


def _pool(layer: Layer) -> _Parts:
    height, width = layer.kernel
    return (), {**_strides(layer), "filter_height": height, "filter_width": width}


def _fully_connected(layer: Layer) -> _Parts:
    options: Options = {
        **_fused(layer),
        "weights_format": 0,
        "keep_num_dims": False,
        "asymmetric_quantize_inputs": False,
    }
    return _weights(layer, (layer.shape[-1], layer.channels_in), 1), options


def _mean(layer: Layer) -> _Parts:
    return (Tensor(f"{layer.name}/axes", (2,), "int32", constant=True),), {"keep_dims": False}


def _sum(layer: Layer) -> _Parts:
    return (), _fused(layer) | {"pot_scale_int16": True}


def _join(layer: Layer) -> _Parts:
    return (), _fused(layer) | {"axis": 3}


def _softmax(layer: Layer) -> _Parts:
    return (), {"beta": 1.0}


_CONVERT: Mapping[Kind, Callable[[Layer], _Parts]] = MappingProxyType(
    {
        "CONV_2D": _convolution,
        "DEPTHWISE_CONV_2D": _depthwise,
        "FULLY_CONNECTED": _fully_connected,
        "MEAN": _mean,
        "ADD": _sum,
        "CONCATENATION": _join,
        "MAX_POOL_2D": _pool,
        "AVERAGE_POOL_2D": _pool,
        "SOFTMAX": _softmax,
    }
)
