"""Rules about operations of certain kinds: their options, constants and versions."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

from edgetpu.graph import Graph, Op, Tensor
from edgetpu.rulebook import BAD_STRIDES, BAD_VERSION, NOT_CONSTANT, NOT_SUPPORTED, rule


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MAPPED_KINDS: frozenset[str] = frozenset(
    _words(
        """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS FULLY_CONNECTED L2_NORMALIZATION LOGISTIC
    UNIDIRECTIONAL_SEQUENCE_LSTM MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL PACK PAD PRELU QUANTIZE REDUCE_MAX REDUCE_MIN
    RELU RELU6 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT
    SQUEEZE STRIDED_SLICE SUB SUM SQUARED_DIFFERENCE TANH TRANSPOSE TRANSPOSE_CONV
    """
    )
)
"""Source: coral.ai/docs/edgetpu/models-intro (runtime 14), as recalled in design/EDGETPU.md."""

NEWEST_VERSIONS: Mapping[str, int] = MappingProxyType(
    {
        "ADD": 4, "AVERAGE_POOL_2D": 3, "CONCATENATION": 3, "CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "EXPAND_DIMS": 1,
        "FULLY_CONNECTED": 9, "L2_NORMALIZATION": 2, "LOGISTIC": 3, "UNIDIRECTIONAL_SEQUENCE_LSTM": 3, "MAXIMUM": 4,
        "MAX_POOL_2D": 3, "MEAN": 3, "MINIMUM": 4, "MUL": 5, "PACK": 3, "PAD": 4, "PRELU": 1, "QUANTIZE": 2,
        "REDUCE_MAX": 3, "REDUCE_MIN": 3, "RELU": 3, "RELU6": 3, "RELU_N1_TO_1": 1, "RESHAPE": 1,
        "RESIZE_BILINEAR": 4, "RESIZE_NEAREST_NEIGHBOR": 4, "RSQRT": 2, "SLICE": 5, "SOFTMAX": 3, "SPACE_TO_DEPTH": 2,
        "SPLIT": 4, "SQUEEZE": 2, "STRIDED_SLICE": 5, "SUB": 5, "SUM": 2, "SQUARED_DIFFERENCE": 2, "TANH": 3,
        "TRANSPOSE": 5, "TRANSPOSE_CONV": 3, "EXP": 1,
    }
)  # fmt: skip
"""The newest version of each operation that compiler 16.0 loads.

Source: refusals of CONV_2D 6, TRANSPOSE_CONV 4, QUANTIZE 3 and EXP 2 in public threads; the others are what TensorFlow
2.6, of the same summer, registers, and so unconfirmed for the compiler.
"""

_SOFTMAX_MOST = 16_000
_RESIZE_MOST = 32


def constant_integers(tensor: Tensor | None) -> tuple[int, ...] | None:
    """Return the values of a constant of whole numbers, or None where they are not known."""
    layout = {"int32": "i", "int64": "q", "int8": "b", "uint8": "B", "int16": "h"}.get(tensor.dtype if tensor else "")
    if tensor is None or tensor.data is None or layout is None:
        return None
    count = len(tensor.data) // struct.calcsize("<" + layout)
    return struct.unpack_from(f"<{count}{layout}", tensor.data)


def _operand(graph: Graph, op: Op, position: int) -> Tensor | None:
    return graph.tensor(op.inputs[position]) if position < len(op.inputs) else None


@rule(status=NOT_SUPPORTED, evidence="logs of 15.0: LEAKY_RELU, GATHER, TRANSPOSE (16.0 maps TRANSPOSE)")
def known_operation(graph: Graph, op: Op) -> str | None:
    """The chip runs a fixed list of operations."""
    if op.kind in MAPPED_KINDS:
        return None
    return f"the chip has no {op.custom_code or op.kind}"


@rule(status=BAD_VERSION, evidence="logs out_v2_fail_op_version and out_v15_yolov5s_partial")
def known_version(graph: Graph, op: Op) -> str | None:
    """The operation's version must not be newer than the compiler, which is of 2021; convert with plainer options."""
    newest = NEWEST_VERSIONS.get(op.kind)
    if newest is None or op.version <= newest:
        return None
    return f"it is version {op.version} and compiler 16.0 knows {op.kind} up to version {newest}"


@rule("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", status=NOT_CONSTANT,
      evidence="compiler 2.0 in google-coral/edgetpu issue 25")  # fmt: skip
def constant_weights(graph: Graph, op: Op) -> str | None:
    """Weights and biases must be constants of the network."""
    if all(tensor is None or tensor.constant for tensor in map(graph.tensor, op.inputs[1:2])):
        return None
    return "its weights are computed while the network runs"


@rule("CONV_2D", "DEPTHWISE_CONV_2D")
def same_dilation(graph: Graph, op: Op) -> str | None:
    """Dilation must be the same in x and y."""
    down, across = op.options.get("dilation_h_factor", 1), op.options.get("dilation_w_factor", 1)
    return None if down == across else f"dilation is {down}×{across}"


@rule("AVERAGE_POOL_2D", "MAX_POOL_2D", "CONCATENATION")
def no_fused_activation(graph: Graph, op: Op) -> str | None:
    """Pooling and concatenation must not have an activation fused into them."""
    fused = op.options.get("fused_activation_function", "NONE")
    return None if fused == "NONE" else f"{fused} is fused into it"


@rule("FULLY_CONNECTED")
def plain_weights_format(graph: Graph, op: Op) -> str | None:
    """Dense weights must be in the default format."""
    return "its weights are shuffled" if op.options.get("weights_format", 0) else None


@rule("FULLY_CONNECTED", status=BAD_VERSION, evidence="TensorFlow 2.6.5, of the compiler's age, answers a constant")
def one_scale_for_dense_weights(graph: Graph, op: Op) -> str | None:
    """Dense weights must have one scale in all; convert with per-channel quantization of Dense layers switched off."""
    weights = _operand(graph, op, 1)
    if weights is None or weights.quantization is None or not weights.quantization.per_channel:
        return None
    return "its weights have a scale per output, which the compiler's runtime of 2021 loads and computes wrongly"


@rule("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
def not_over_batch(graph: Graph, op: Op) -> str | None:
    """A reduction must leave the batch alone."""
    axes, rank = constant_integers(_operand(graph, op, 1)), _rank(graph, op)
    if axes is None or rank < 4:
        return None
    return "it reduces over the batch" if any(axis % rank == 0 for axis in axes) else None


@rule("MEAN")
def mean_over_whole_channel_blocks(graph: Graph, op: Op) -> str | None:
    """A mean over channels needs a number of channels that is a multiple of 4."""
    axes, rank = constant_integers(_operand(graph, op, 1)), _rank(graph, op)
    read = _operand(graph, op, 0)
    if not axes or read is None or not rank or read.shape[-1] % 4 == 0:
        return None
    over_channels = any(axis % rank == rank - 1 for axis in axes)
    return f"it averages over {read.shape[-1]} channels" if over_channels else None


@rule("PAD")
def no_padded_batch(graph: Graph, op: Op) -> str | None:
    """Padding must leave the batch alone."""
    amounts = constant_integers(_operand(graph, op, 1))
    if amounts is None or _rank(graph, op) < 4:
        return None
    return "it pads the batch" if any(amounts[:2]) else None


@rule("PRELU")
def one_dimensional_alpha(graph: Graph, op: Op) -> str | None:
    """The slopes of PRELU must be one per channel; share them over height and width."""
    alpha = _operand(graph, op, 1)
    if alpha is None or all(length == 1 for length in alpha.shape[:-1]):
        return None
    return "its slopes differ over height or width"


@rule("SOFTMAX")
def softmax_of_16000(graph: Graph, op: Op) -> str | None:
    """A softmax may run over at most 16,000 values."""
    read = _operand(graph, op, 0)
    if read is None or not read.shape or read.shape[-1] <= _SOFTMAX_MOST:
        return None
    return f"it runs over {read.shape[-1]} values"


@rule("STRIDED_SLICE", status=BAD_STRIDES, evidence="log out_v15_yolov5s_partial")
def unit_strides(graph: Graph, op: Op) -> str | None:
    """A slice must not skip elements; replace a stride-2 slice with a convolution of stride 2."""
    strides = constant_integers(_operand(graph, op, 3))
    return None if strides is None or set(strides) <= {1} else f"its strides are {'×'.join(map(str, strides))}"


@rule("RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "PAD", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "MEAN",
      "SUM", "EXPAND_DIMS", evidence="log out_v16_fail_dynamic_shape")  # fmt: skip
def constant_arguments(graph: Graph, op: Op) -> str | None:
    """Shapes, sizes, axes and paddings must be constants; export the network with a fixed batch of 1."""
    if all(tensor is None or tensor.constant for tensor in map(graph.tensor, op.inputs[1:])):
        return None
    return "its shape or size is computed while the network runs"


@rule("RESIZE_BILINEAR", evidence="compiled file deeplabv3_mnv2_dm05_pascal_quant: 1×1 to 33×33 stays on the CPU")
def modest_enlargement(graph: Graph, op: Op) -> str | None:
    """A bilinear resize that enlarges very much stays on the CPU, for its loss of precision; where the limit lies
    between 2-fold and 33-fold is not known.
    """
    read, written = _operand(graph, op, 0), graph.tensor(op.outputs[0]) if op.outputs else None
    if read is None or written is None or len(read.shape) != 4 or len(written.shape) != 4:
        return None
    times = max(written.shape[1] / max(read.shape[1], 1), written.shape[2] / max(read.shape[2], 1))
    return f"it enlarges {times:.0f}-fold" if times > _RESIZE_MOST else None


@rule("CONCATENATION")
def constants_joined_are_zeros(graph: Graph, op: Op) -> str | None:
    """A constant may be joined to one activation only, and must be all zeros."""
    constants = [tensor for tensor in map(graph.tensor, op.inputs) if tensor is not None and tensor.constant]
    if not constants:
        return None
    if len(op.inputs) > 2:
        return "a constant is joined to more than one activation"
    return "the constant that is joined is not all zeros" if any(any(one.data or b"") for one in constants) else None


def _rank(graph: Graph, op: Op) -> int:
    read = _operand(graph, op, 0)
    return len(read.shape) if read is not None else 0
