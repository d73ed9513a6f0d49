"""What an operation is for the chip: how much arithmetic, how many parameters, how many bytes in and out.

Memory, time and co-compilation all start here. Values are plain named tuples because a search makes millions.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from edgetpu.graph import Graph, Op, Tensor
from edgetpu.memo import LastAnswer

SPATIAL = "spatial"
"""A convolution with a kernel larger than 1×1, or a transposed one."""
POINTWISE = "pointwise"
"""A 1×1 convolution."""
DEPTHWISE = "depthwise"
DENSE = "dense"
POOL = "pool"
GLOBAL_POOL = "global pool"
ELEMENTWISE = "elementwise"
"""Reads and writes whole activations with an operation of its own: ADD, MUL, PAD, RESIZE, SOFTMAX, …"""
FREE = "free"
"""Costs nothing that measurements can show: RELU, CONCATENATION, RESHAPE, …"""
RECURRENT = "recurrent"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ELEMENTWISE_KINDS = frozenset(
    _words(
        """
    ADD SUB MUL MAXIMUM MINIMUM SQUARED_DIFFERENCE PAD PADV2 MIRROR_PAD RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SOFTMAX
    LOGISTIC TANH L2_NORMALIZATION RSQRT QUANTIZE DEQUANTIZE TRANSPOSE SPACE_TO_DEPTH DEPTH_TO_SPACE PRELU SUM
    REDUCE_MAX REDUCE_MIN STRIDED_SLICE SLICE SPLIT HARD_SWISH LEAKY_RELU DIV EXP GATHER ARG_MAX CAST
    """
    )
)


class Layer(NamedTuple):
    """One operation, in the numbers that its memory and time depend on."""

    work: str
    """One of the constants above."""
    out_height: int
    out_width: int
    in_channels: int
    out_channels: int
    kernel_height: int
    kernel_width: int
    in_bytes: int
    """Activations read, channels padded to 4."""
    out_bytes: int
    """Activations written, channels padded to 4."""
    per_channel: bool
    """Whether the weights have one scale per output channel."""
    weights: int
    """Elements of all constant operands with more than one dimension."""

    @property
    def taps(self) -> int:
        """Positions of the kernel."""
        return self.kernel_height * self.kernel_width

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, without padding."""
        if self.work == DENSE:
            return self.out_height * self.out_width * self.in_channels * self.out_channels
        if self.work in (SPATIAL, POINTWISE):
            return self.out_height * self.out_width * self.taps * self.in_channels * self.out_channels
        if self.work == DEPTHWISE:
            return self.out_height * self.out_width * self.taps * self.out_channels
        return 0


_LAST: LastAnswer[tuple[Layer, ...]] = LastAnswer()


def layers_of(graph: Graph) -> tuple[Layer, ...]:
    """Return the layer of each operation, in order."""
    known = _LAST.get(graph)
    return _LAST.keep(graph, tuple([_layer(graph, op) for op in graph.ops])) if known is None else known


def rounded_up(number: int, multiple: int) -> int:
    """Return the smallest multiple that is not below a number."""
    return -(-number // multiple) * multiple


def activation_bytes(tensor: Tensor) -> int:
    """Return the bytes of an activation on the chip, its channels padded to 4; unknown dimensions count as 1."""
    shape = tensor.shape
    if not shape:
        return 1
    return abs(prod(shape[:-1])) * rounded_up(abs(shape[-1]), 4)


def _layer(graph: Graph, op: Op) -> Layer:
    tensors = graph.tensors
    read = [tensors[index] for index in op.inputs if index >= 0]
    written = tensors[op.outputs[0]] if op.outputs else None
    moving = [tensor for tensor in read if not tensor.constant]
    in_bytes = sum([activation_bytes(tensor) for tensor in moving])
    out_bytes = sum([activation_bytes(tensors[index]) for index in op.outputs])
    height, width, channels = _image(written)
    weights = read[1] if len(read) > 1 else None
    if op.kind in _WEIGHTED and weights is not None:
        work, kernel_height, kernel_width, in_channels = _kernel(op, weights)
        if work == DENSE:
            channels = abs(weights.shape[0]) if weights.shape else 1
            height, width = _rows(written, channels), 1
        return Layer(
            work, height, width, in_channels, channels, kernel_height, kernel_width, in_bytes, out_bytes,
            _per_channel(op, weights), prod(weights.shape),
        )  # fmt: skip
    work, kernel_height, kernel_width = _unweighted(op, moving)
    in_channels = _image(moving[0])[2] if moving else 0
    constants = sum([prod(t.shape) for t in read if t.constant and len(t.shape) > 1]) if work == RECURRENT else 0
    return Layer(
        work, height, width, in_channels, channels, kernel_height, kernel_width, in_bytes, out_bytes, False, constants
    )


_WEIGHTED = frozenset(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"))
_RECURRENT_KINDS = frozenset(
    (
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "LSTM",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "RNN",
        "SVDF",
    )
)
_POOL_KINDS = frozenset(("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"))


def _image(tensor: Tensor | None) -> tuple[int, int, int]:
    """Return a tensor's (height, width, channels); dimensions that it lacks, or that are unknown, count as 1."""
    shape = tensor.shape if tensor is not None else ()
    if len(shape) == 4:
        return abs(shape[1]), abs(shape[2]), abs(shape[3])
    if not shape:
        return 1, 1, 1
    return abs(prod(shape[:-1])), 1, abs(shape[-1])


def _rows(written: Tensor | None, units: int) -> int:
    """Return how many times a dense layer is applied: once, unless it keeps the dimensions of its input."""
    return max(abs(prod(written.shape)) // max(units, 1), 1) if written is not None else 1


def _kernel(op: Op, weights: Tensor) -> tuple[str, int, int, int]:
    """Return the kind of work, the kernel's height and width, and the channels it reads."""
    shape = weights.shape
    if op.kind == "FULLY_CONNECTED" or len(shape) != 4:
        return DENSE, 1, 1, shape[-1] if shape else 1
    if op.kind == "DEPTHWISE_CONV_2D":
        return DEPTHWISE, shape[1], shape[2], shape[3]
    if op.kind == "CONV_2D" and shape[1] == shape[2] == 1:
        return POINTWISE, 1, 1, shape[3]
    return SPATIAL, shape[1], shape[2], shape[3]


def _per_channel(op: Op, weights: Tensor) -> bool:
    """Whether weights have a scale per channel; where nothing is said, what the converter does by default for us."""
    if weights.quantization is None:
        return op.kind != "FULLY_CONNECTED"
    return weights.quantization.per_channel


def _unweighted(op: Op, moving: list[Tensor]) -> tuple[str, int, int]:
    """Return the kind of work of an operation without weights, and the window that it looks through."""
    kind = op.kind
    if kind in _POOL_KINDS:
        height, width = op.options.get("filter_height", 1), op.options.get("filter_width", 1)
        window = (int(height), int(width)) if isinstance(height, int) and isinstance(width, int) else (1, 1)
        whole = bool(moving) and _image(moving[0])[:2] == window
        return GLOBAL_POOL if whole else POOL, *window
    if kind == "MEAN":
        return GLOBAL_POOL, 1, 1
    if kind in _RECURRENT_KINDS:
        return RECURRENT, 1, 1
    return ELEMENTWISE if kind in _ELEMENTWISE_KINDS else FREE, 1, 1
