"""What an operation is for the chip: how much arithmetic, how many parameters, how many bytes in and out.

Memory, time and co-compilation all start here. Values are plain named tuples because a search makes millions.
"""

from __future__ import annotations

from functools import lru_cache
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


Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]


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
    return _activation_bytes(tensor.shape)


def _activation_bytes(shape: Shape) -> int:
    if not shape:
        return 1
    return abs(prod(shape[:-1])) * rounded_up(abs(shape[-1]), 4)


def _layer(graph: Graph, op: Op) -> Layer:
    tensors = graph.tensors
    read = [tensors[index] for index in op.inputs if index >= 0]
    moving = tuple([tensor.shape for tensor in read if not tensor.constant])
    written = tuple([tensors[index].shape for index in op.outputs])
    if op.kind in _WEIGHTED and len(read) > 1:
        return _weighted(op.kind, moving, written, read[1].shape, per_channel=_per_channel(op, read[1]))
    constants = tuple([tensor.shape for tensor in read if tensor.constant]) if op.kind in _RECURRENT_KINDS else ()
    return _unweighted(op.kind, moving, written, constants, _window(op) if op.kind in _POOL_KINDS else (1, 1))


@lru_cache(maxsize=16384)
def _weighted(kind: str, moving: Shapes, written: Shapes, weights: Shape, *, per_channel: bool) -> Layer:
    """Return the layer of an operation with weights, by the shapes of what it reads and writes.

    Remembered, as the other one is: networks of a search differ in few of their layers.
    """
    work, kernel_height, kernel_width, in_channels = _kernel(kind, weights)
    height, width, channels = _image(written[0]) if written else _POINT
    if work == DENSE:
        channels = abs(weights[0]) if weights else 1
        height, width = _rows(written[0], channels) if written else 1, 1
    return Layer(
        work, height, width, in_channels, channels, kernel_height, kernel_width, _bytes(moving), _bytes(written),
        per_channel, prod(weights),
    )  # fmt: skip


@lru_cache(maxsize=16384)
def _unweighted(kind: str, moving: Shapes, written: Shapes, constants: Shapes, window: tuple[int, int]) -> Layer:
    """Return the layer of any other operation; constants are those of a recurrent one."""
    first = _image(moving[0]) if moving else _NOTHING
    height, width, channels = _image(written[0]) if written else _POINT
    weights = sum([prod(shape) for shape in constants if len(shape) > 1])
    return Layer(
        _work(kind, first, window), height, width, first[2], channels, *window, _bytes(moving), _bytes(written),
        False, weights,
    )  # fmt: skip


def _bytes(shapes: Shapes) -> int:
    return sum([_activation_bytes(shape) for shape in shapes])


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


_POINT, _NOTHING = (1, 1, 1), (0, 0, 0)
"""(height, width, channels) of a number, and of nothing at all."""


def _image(shape: Shape) -> tuple[int, int, int]:
    """Return a tensor's (height, width, channels); dimensions that it lacks, or that are unknown, count as 1."""
    if len(shape) == 4:
        return abs(shape[1]), abs(shape[2]), abs(shape[3])
    if not shape:
        return _POINT
    return abs(prod(shape[:-1])), 1, abs(shape[-1])


def _rows(written: Shape, units: int) -> int:
    """Return how many times a dense layer is applied: once, unless it keeps the dimensions of its input."""
    return max(abs(prod(written)) // max(units, 1), 1)


def _kernel(kind: str, weights: Shape) -> tuple[str, int, int, int]:
    """Return the kind of work, the kernel's height and width, and the channels it reads."""
    if kind == "FULLY_CONNECTED" or len(weights) != 4:
        return DENSE, 1, 1, weights[-1] if weights else 1
    if kind == "DEPTHWISE_CONV_2D":
        return DEPTHWISE, *weights[1:]
    if kind == "CONV_2D" and weights[1] == weights[2] == 1:
        return POINTWISE, *weights[1:]
    return SPATIAL, *weights[1:]


def _per_channel(op: Op, weights: Tensor) -> bool:
    """Whether weights have a scale per channel; where nothing is said, what the converter does by default for us."""
    if weights.quantization is None:
        return op.kind != "FULLY_CONNECTED"
    return weights.quantization.per_channel


def _window(op: Op) -> tuple[int, int]:
    """Return height and width of what a pooling looks at."""
    height, width = op.options.get("filter_height", 1), op.options.get("filter_width", 1)
    return (int(height), int(width)) if isinstance(height, int) and isinstance(width, int) else (1, 1)


def _work(kind: str, first: tuple[int, int, int], window: tuple[int, int]) -> str:
    """Return the kind of work of an operation without weights; first is the image that it reads."""
    if kind in _POOL_KINDS:
        return GLOBAL_POOL if first[:2] == window else POOL
    if kind == "MEAN":
        return GLOBAL_POOL
    if kind in _RECURRENT_KINDS:
        return RECURRENT
    return ELEMENTWISE if kind in _ELEMENTWISE_KINDS else FREE
