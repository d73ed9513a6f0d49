"""Rules about the tensors of an operation: they hold for operations of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from edgetpu.graph import Graph, Op, Tensor
from edgetpu.rulebook import BAD_RANK, BAD_TYPE, UNSPECIFIED, rule

_ACTIVATION_DTYPES = frozenset(("int8", "uint8"))
_STATE_DTYPES = frozenset(("int8", "uint8", "int16"))
_KEEPS_STATE = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_CONSTANT_DTYPES = frozenset(("int8", "uint8", "int16", "int32", "int64", "bool"))
_INNER_DIMENSIONS = 3


def is_fine(tensor: Tensor) -> bool:
    """Whether no rule of this module could object to a tensor; quick, because most are fine."""
    shape, quantization = tensor.shape, tensor.quantization
    if tensor.constant:
        if tensor.dtype not in _CONSTANT_DTYPES:
            return False
    elif tensor.dtype not in _ACTIVATION_DTYPES or quantization is None:
        return False
    if shape and (min(shape) < 0 or (not tensor.constant and len(shape) > 3 and max(shape[:-3]) > 1)):
        return False
    return quantization is None or quantization.usable


def _tensors(graph: Graph, op: Op) -> Iterator[Tensor]:
    for index in (*op.inputs, *op.outputs):
        if index >= 0:
            yield graph.tensors[index]


def _label(tensor: Tensor) -> str:
    return f"“{tensor.name}”" if tensor.name else "a tensor"


@rule(status=UNSPECIFIED, evidence="log out_v16_fail_dynamic_shape: the compiler refuses the whole model")
def static_shapes(graph: Graph, op: Op) -> str | None:
    """Every dimension must be known before the network runs; fix the batch to 1 and the input's size."""
    for tensor in _tensors(graph, op):
        if tensor.dynamic:
            return f"the shape of {_label(tensor)} is not fixed: {_shape(tensor)}"
    return None


@rule(status=BAD_TYPE, evidence="logs of 15.0 and 16.0: DEQUANTIZE, CUSTOM")
def integer_types(graph: Graph, op: Op) -> str | None:
    """Activations must be 8-bit integers (16-bit inside an LSTM); anything in floating point stays on the CPU."""
    moving = _STATE_DTYPES if op.kind == _KEEPS_STATE else _ACTIVATION_DTYPES
    for tensor in _tensors(graph, op):
        allowed = _CONSTANT_DTYPES if tensor.constant else moving
        if tensor.dtype not in allowed:
            return f"{_label(tensor)} is {tensor.dtype}, not an 8-bit integer"
    return None


@rule(status=UNSPECIFIED, evidence="log out_v14_fail_not_quantized: the compiler refuses a whole model without scales")
def quantized_activations(graph: Graph, op: Op) -> str | None:
    """Every activation must say what its integers stand for; convert with full-integer quantization."""
    for tensor in _tensors(graph, op):
        if not tensor.constant and tensor.quantization is None:
            return f"{_label(tensor)} has no scale"
    return None


@rule(status=UNSPECIFIED)
def finite_scales(graph: Graph, op: Op) -> str | None:
    """Scales must be above 0 and finite; others crash the compiler. Retrain, or drop channels that are always 0."""
    for tensor in _tensors(graph, op):
        for scale in tensor.quantization.scales if tensor.quantization else ():
            if not 0 < scale < inf:
                return f"{_label(tensor)} has a scale of {scale:g}"
    return None


@rule(status=BAD_RANK, evidence="log part_v21_deeplab_rank")
def three_inner_dimensions(graph: Graph, op: Op) -> str | None:
    """Only the three innermost dimensions of an activation may be larger than 1; run one image at a time."""
    for tensor in _tensors(graph, op):
        if not tensor.constant and any(length > 1 for length in tensor.shape[:-_INNER_DIMENSIONS]):
            return f"{_label(tensor)} has the shape {_shape(tensor)}"
    return None


def _shape(tensor: Tensor) -> str:
    return "×".join("?" if length < 0 else str(length) for length in tensor.shape)
