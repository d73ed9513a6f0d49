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

Kind = Literal["CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED", "SOFTMAX"]
Options = dict[str, int | float | bool | str | tuple[int, ...]]

OP_VERSIONS: Mapping[str, int] = MappingProxyType(
    {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "ADD": 2, "MEAN": 2, "FULLY_CONNECTED": 4, "SOFTMAX": 2}
)
"""Versions that TensorFlow 2.21's converter writes for int8 operations; a test compares them with converted files."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a network; batch normalization and ReLU belong to the convolution before them."""

    kind: Kind
    name: str
    inputs: tuple[str, ...]
    """Names of the layers read, or `INPUT`."""
    shape: tuple[int, ...]
    """What comes out: (height, width, channels), or (channels,) after the global mean."""
    channels_in: int
    kernel: int = 1
    stride: int = 1
    relu: bool = False

    @property
    def weights(self) -> int:
        """Number of weights, without biases."""
        channels = self.shape[-1]
        match self.kind:
            case "CONV_2D" | "FULLY_CONNECTED":
                return self.kernel**2 * self.channels_in * channels
            case "DEPTHWISE_CONV_2D":
                return self.kernel**2 * channels
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
        if not self.weights:
            return 0
        return self.weights + self.shape[-1] * (1 if self.kind == "FULLY_CONNECTED" else 2)


class _GraphBuilder:
    """Collects tensors and operations."""

    def __init__(self, image: tuple[int, int, int]) -> None:
        self.tensors: list[Tensor] = [_activation(INPUT, image)]
        self.ops: list[Op] = []
        self.position = {INPUT: 0}

    def add_constant(self, name: str, shape: tuple[int, ...], channels: int, axis: int = 0) -> int:
        quantization = _unit_scales(channels, axis)
        dtype = "int8" if len(shape) > 1 else "int32"
        self.tensors.append(Tensor(name, shape, dtype, quantization, constant=True))
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


def _activation(name: str, shape: tuple[int, ...]) -> Tensor:
    return Tensor(name, (1, *shape), "int8", _unit_scales(1))


def _activation_name(layer: Layer) -> str:
    return "RELU" if layer.relu else "NONE"


def _strides(layer: Layer) -> Options:
    return {
        "padding": "SAME",
        "stride_h": layer.stride,
        "stride_w": layer.stride,
        "dilation_h_factor": 1,
        "dilation_w_factor": 1,
        "fused_activation_function": _activation_name(layer),
    }


def _add_convolution(builder: _GraphBuilder, layer: Layer) -> None:
    channels = layer.shape[-1]
    shape = (channels, layer.kernel, layer.kernel, layer.channels_in)
    kernel = builder.add_constant(f"{layer.name}/kernel", shape, channels)
    bias = builder.add_constant(f"{layer.name}/bias", (channels,), channels)
    builder.add_op(layer, (kernel, bias), _strides(layer))


def _add_depthwise(builder: _GraphBuilder, layer: Layer) -> None:
    channels = layer.shape[-1]
    kernel = builder.add_constant(f"{layer.name}/kernel", (1, layer.kernel, layer.kernel, channels), channels, axis=3)
    bias = builder.add_constant(f"{layer.name}/bias", (channels,), channels)
    builder.add_op(layer, (kernel, bias), {**_strides(layer), "depth_multiplier": 1})


def _add_fully_connected(builder: _GraphBuilder, layer: Layer) -> None:
    channels = layer.shape[-1]
    kernel = builder.add_constant(f"{layer.name}/kernel", (channels, layer.channels_in), 1)
    bias = builder.add_constant(f"{layer.name}/bias", (channels,), 1)
    options: Options = {
        "fused_activation_function": _activation_name(layer),
        "weights_format": 0,
        "keep_num_dims": False,
        "asymmetric_quantize_inputs": False,
    }
    builder.add_op(layer, (kernel, bias), options)


def _add_mean(builder: _GraphBuilder, layer: Layer) -> None:
    builder.tensors.append(Tensor(f"{layer.name}/axes", (2,), "int32", constant=True))
    builder.add_op(layer, (len(builder.tensors) - 1,), {"keep_dims": False})


def _add_sum(builder: _GraphBuilder, layer: Layer) -> None:
    builder.add_op(layer, (), {"fused_activation_function": _activation_name(layer), "pot_scale_int16": True})


def _add_softmax(builder: _GraphBuilder, layer: Layer) -> None:
    builder.add_op(layer, (), {"beta": 1.0})


_ADD = {
    "CONV_2D": _add_convolution,
    "DEPTHWISE_CONV_2D": _add_depthwise,
    "FULLY_CONNECTED": _add_fully_connected,
    "MEAN": _add_mean,
    "ADD": _add_sum,
    "SOFTMAX": _add_softmax,
}
