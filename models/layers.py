"""The layers of a network in order, and the int8 graph that conversion makes of them. Pure: no Keras here.

Keras network and graph are both built from the same layers, so the estimate of an architecture is the estimate of the
file that will be built from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

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


class _GraphBuilder:
    """Collects tensors and operations."""

    def __init__(self, image: tuple[int, int, int]) -> None:
        self.tensors: list[Tensor] = [_activation(INPUT, image)]
        self.ops: list[Op] = []
        self.position = {INPUT: 0}

    def add_constant(self, name: str, shape: tuple[int, ...], channels: int, axis: int = 0) -> int:
        self.tensors.append(_constant(name, shape, channels, axis))
        return len(self.tensors) - 1

    def add_op(self, layer: Layer, constants: Sequence[int], options: Options) -> None:
        sources = tuple(self.position[name] for name in layer.inputs)
        self.tensors.append(_activation(layer.name, layer.shape))
        self.position[layer.name] = len(self.tensors) - 1
        output = (self.position[layer.name],)
        version = OP_VERSIONS[layer.kind]
        self.ops.append(Op(layer.kind, (*sources, *constants), output, version, options, layer.name))


def graph_of(layers: Sequence[Layer], image: tuple[int, int, int], name: str = "") -> Graph:
    """Return the int8 graph that conversion will give, without weights.

    Args:
        layers: in the order in which they run; the last one's output is the network's.
        image: (height, width, channels) of the input.
        name: what people call the network.
    """
    builder = _GraphBuilder(image)
    for layer in layers:
        _ADD[layer.kind](builder, layer)
    return Graph(tuple(builder.tensors), tuple(builder.ops), (0,), (builder.position[layers[-1].name],), name)


@lru_cache(maxsize=4096)
def _unit_scales(channels: int, axis: int = 0) -> Quantization:
    """Return scales that stand for those that conversion will find: only their number matters here."""
    return Quantization((1.0,) * channels, (0,) * channels, axis)


@lru_cache(maxsize=16384)
def _constant(name: str, shape: tuple[int, ...], channels: int, axis: int) -> Tensor:
    """Return weights or a bias; remembered, because a search asks for thousands of networks with the same layers."""
    dtype = "int8" if len(shape) > 1 else "int32"
    return Tensor(name, shape, dtype, _unit_scales(channels, axis), constant=True)


@lru_cache(maxsize=16384)
def _activation(name: str, shape: tuple[int, ...]) -> Tensor:
    return Tensor(name, (1, *shape), "int8", _unit_scales(1))


def _strides(layer: Layer) -> Options:
    return {"padding": layer.padding.upper(), "stride_h": layer.stride, "stride_w": layer.stride, **_fused(layer)}


def _fused(layer: Layer) -> Options:
    return {"fused_activation_function": layer.activation.upper()}


_UNDILATED: Options = {"dilation_h_factor": 1, "dilation_w_factor": 1}


def _add_convolution(builder: _GraphBuilder, layer: Layer) -> None:
    channels = layer.shape[-1]
    kernel = builder.add_constant(f"{layer.name}/kernel", (channels, *layer.kernel, layer.channels_in), channels)
    bias = builder.add_constant(f"{layer.name}/bias", (channels,), channels)
    builder.add_op(layer, (kernel, bias), _strides(layer) | _UNDILATED)


def _add_depthwise(builder: _GraphBuilder, layer: Layer) -> None:
    channels = layer.shape[-1]
    kernel = builder.add_constant(f"{layer.name}/kernel", (1, *layer.kernel, channels), channels, axis=3)
    bias = builder.add_constant(f"{layer.name}/bias", (channels,), channels)
    builder.add_op(layer, (kernel, bias), {**_strides(layer), **_UNDILATED, "depth_multiplier": 1})


def _add_pool(builder: _GraphBuilder, layer: Layer) -> None:
    height, width = layer.kernel
    builder.add_op(layer, (), {**_strides(layer), "filter_height": height, "filter_width": width})


def _add_fully_connected(builder: _GraphBuilder, layer: Layer) -> None:
    channels = layer.shape[-1]
    kernel = builder.add_constant(f"{layer.name}/kernel", (channels, layer.channels_in), 1)
    bias = builder.add_constant(f"{layer.name}/bias", (channels,), 1)
    options: Options = {
        **_fused(layer),
        "weights_format": 0,
        "keep_num_dims": False,
        "asymmetric_quantize_inputs": False,
    }
    builder.add_op(layer, (kernel, bias), options)


def _add_mean(builder: _GraphBuilder, layer: Layer) -> None:
    builder.tensors.append(Tensor(f"{layer.name}/axes", (2,), "int32", constant=True))
    builder.add_op(layer, (len(builder.tensors) - 1,), {"keep_dims": False})


def _add_sum(builder: _GraphBuilder, layer: Layer) -> None:
    builder.add_op(layer, (), _fused(layer) | {"pot_scale_int16": True})


def _add_join(builder: _GraphBuilder, layer: Layer) -> None:
    builder.add_op(layer, (), _fused(layer) | {"axis": 3})


def _add_softmax(builder: _GraphBuilder, layer: Layer) -> None:
    builder.add_op(layer, (), {"beta": 1.0})


_ADD = {
    "CONV_2D": _add_convolution,
    "DEPTHWISE_CONV_2D": _add_depthwise,
    "FULLY_CONNECTED": _add_fully_connected,
    "MEAN": _add_mean,
    "ADD": _add_sum,
    "CONCATENATION": _add_join,
    "MAX_POOL_2D": _add_pool,
    "AVERAGE_POOL_2D": _add_pool,
    "SOFTMAX": _add_softmax,
}
