"""What a .tflite file computes, with real numbers for weights: the steps of its network in order. Pure.

Files of the Edge TPU hold 8-bit weights with batch normalization folded in. Read as real numbers they are a network
that can be trained again; what 8 bits took away comes back in the first training steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgetpu.graph import Graph, Op, Tensor
from models.errors import NetworkUnreadable

Floats = NDArray[np.float32]

PASSING = frozenset(("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE"))
"""Operations that change how numbers are stored, not the numbers."""
_WEIGHTED = frozenset(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"))
_CLIPPED = frozenset(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD"))
_ACTIVATIONS = {"NONE": "none", "RELU": "relu", "RELU6": "relu6"}
_LARGEST_CLIP = 6.3
"""Converters widen a range that ends at 6 a little, so that 0 falls on an integer."""
_SMALLEST = {"uint8": 0, "int8": -128}
_DTYPES = {"int8": "<i1", "uint8": "u1", "int32": "<i4", "int64": "<i8", "float32": "<f4", "float16": "<f2"}


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operation of a stored network."""

    kind: str
    """As in `edgetpu.graph.Op.kind`."""
    name: str
    sources: tuple[int, ...]
    """Tensors read that are no constants, as positions in the file."""
    output: int
    """The tensor written, as a position in the file."""
    shape: tuple[int, ...]
    """Of the output, without the batch."""
    activation: str
    """"none", "relu" or "relu6"."""
    options: Mapping[str, Any]
    kernel: Floats | None = None
    """As Keras lays it out: (height, width, in, out), depthwise (height, width, in, multiplier), dense (in, out)."""
    bias: Floats | None = None
    constants: tuple[NDArray[Any], ...] = ()
    """Other constant operands: axes, paddings, shapes, factors."""

    @property
    def weights(self) -> Floats:
        """The kernel, where there must be one."""
        if self.kernel is None:
            raise NetworkUnreadable(f"{self.kind} {self.name!r} has no weights.")
        return self.kernel

    @property
    def strides(self) -> tuple[int, int]:
        """Steps of the window down and across."""
        return int(self.options.get("stride_h", 1)), int(self.options.get("stride_w", 1))

    @property
    def padding(self) -> str:
        """ "same" or "valid", as Keras says it."""
        return str(self.options.get("padding", "SAME")).lower()


@dataclass(frozen=True, slots=True)
class InputScale:
    """What a stored network reads where ours reads x = (pixel − 127) / 128: factor · x + offset."""

    factor: float
    offset: float


def steps_of(graph: Graph) -> tuple[Step, ...]:
    """Return the steps of a stored network, weights as real numbers.

    Raises:
        NetworkUnreadable: naming the operation whose weights or activation cannot be read.
    """
    return tuple(_step(graph, op) for op in graph.ops)


def input_scale_of(graph: Graph) -> InputScale:
    """Return how the file's input follows from ours; a float input is taken to be ours already."""
    image = graph.tensors[graph.inputs[0]]
    if image.quantization is None or image.dtype not in ("uint8", "int8"):
        return InputScale(1.0, 0.0)
    scale, zero = image.quantization.scales[0], image.quantization.zero_points[0]
    zero_pixel = zero + (128 if image.dtype == "int8" else 0)
    return InputScale(128 * scale, scale * (127 - zero_pixel))


def with_our_input(step: Step, scale: InputScale) -> Step:
    """Return the first convolution, changed so that it reads our input; the frame where it pads is not exact."""
    inputs = (0, 1, 2) if step.kind == "CONV_2D" else (0, 1)
    shift = scale.offset * step.weights.sum(axis=inputs).reshape(-1)
    bias = shift if step.bias is None else step.bias + shift
    return replace(step, kernel=np.float32(scale.factor) * step.weights, bias=bias.astype(np.float32))


def _step(graph: Graph, op: Op) -> Step:
    operands = graph.operands(op)
    constants = [_real(tensor) for tensor in operands if tensor is not None and tensor.constant]
    output = graph.tensors[op.outputs[0]]
    kernel = bias = None
    if op.kind in _WEIGHTED:
        kernel, bias = _weights(op, operands)
        constants = []
    return Step(
        kind=op.kind,
        name=op.name,
        sources=tuple(index for index in op.inputs if index >= 0 and not graph.tensors[index].constant),
        output=op.outputs[0],
        shape=output.shape[1:],
        activation=_activation(op, output),
        options=op.options,
        kernel=kernel,
        bias=bias,
        constants=tuple(constants),
    )


def _weights(op: Op, operands: tuple[Tensor | None, ...]) -> tuple[Floats, Floats | None]:
    if len(operands) < 2 or operands[1] is None or not operands[1].constant:
        raise NetworkUnreadable(f"The weights of {op.kind} {op.name!r} are not part of the file.")
    stored = _real(operands[1])
    bias = _real(operands[2]) if len(operands) > 2 and operands[2] is not None else None
    if stored.ndim != (2 if op.kind == "FULLY_CONNECTED" else 4):
        raise NetworkUnreadable(f"The weights of {op.kind} {op.name!r} have the shape {stored.shape}.")
    return _as_keras(op, stored, operands[0]), bias


def _as_keras(op: Op, stored: Floats, source: Tensor | None) -> Floats:
    if op.kind == "FULLY_CONNECTED":
        return np.ascontiguousarray(stored.T)
    if op.kind != "DEPTHWISE_CONV_2D":
        return np.ascontiguousarray(stored.transpose(1, 2, 3, 0))
    _, height, width, channels = stored.shape
    channels_in = source.shape[-1] if source is not None and source.shape else 0
    if channels_in < 1 or channels % channels_in or len(stored) != 1:
        raise NetworkUnreadable(f"The weights of {op.kind} {op.name!r} do not fit what it reads.")
    return stored.reshape(height, width, channels_in, channels // channels_in)


def _real(tensor: Tensor) -> NDArray[Any]:
    """Return a constant's values, as real numbers where it is quantized."""
    if tensor.dtype not in _DTYPES or tensor.data is None:
        raise NetworkUnreadable(f"The constant {tensor.name!r} is of type {tensor.dtype}, which cannot be read.")
    values = np.frombuffer(tensor.data, _DTYPES[tensor.dtype])
    if values.size != tensor.elements:
        raise NetworkUnreadable(f"The constant {tensor.name!r} holds {values.size} values, not {tensor.elements}.")
    values = values.reshape(tensor.shape)
    if tensor.quantization is None:
        return values.astype(np.float32) if tensor.dtype == "float16" else values
    scales, zeros = np.array(tensor.quantization.scales), np.array(tensor.quantization.zero_points)
    axis = tensor.quantization.axis
    if len(scales) != len(zeros) or (len(scales) > 1 and (axis >= values.ndim or values.shape[axis] != len(scales))):
        raise NetworkUnreadable(f"The constant {tensor.name!r} does not fit its {len(scales)} scales.")
    if len(scales) > 1:
        along = [1] * values.ndim
        along[axis] = -1
        scales, zeros = scales.reshape(along), zeros.reshape(along)
    return ((values - zeros) * scales).astype(np.float32)


def _activation(op: Op, output: Tensor) -> str:
    """Return the activation; where the file has it folded away, the range that its output can hold tells."""
    name = str(op.options.get("fused_activation_function", "NONE"))
    if name not in _ACTIVATIONS:
        raise NetworkUnreadable(f"{op.kind} {op.name!r} ends with {name}, which cannot be trained here.")
    if name != "NONE" or op.kind not in _CLIPPED or output.quantization is None or output.dtype not in _SMALLEST:
        return _ACTIVATIONS[name]
    scale, zero = output.quantization.scales[0], output.quantization.zero_points[0]
    lowest = _SMALLEST[output.dtype]
    if zero != lowest:
        return "none"
    return "relu6" if 255 * scale < _LARGEST_CLIP else "relu"
