"""A network as the chip sees it: tensors, and operations between them. Values only; nothing here reads a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, prod

DTYPE_BYTES: Mapping[str, int] = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "float16": 2,
    "int32": 4,
    "uint32": 4,
    "float32": 4,
    "int64": 8,
    "float64": 8,
}
"""Bytes of one element, by the numpy name of its type; types without a fixed width (strings) are absent."""


@dataclass(frozen=True)
class Quantization:
    """How integers stand for real values: real = scale · (integer − zero_point)."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0
    """The dimension that the scales run along; of no meaning where there is only one scale."""

    @property
    def per_channel(self) -> bool:
        """Whether each channel has a scale of its own."""
        return len(self.scales) > 1

    @cached_property
    def usable(self) -> bool:
        """Whether every scale is a number above 0; of an architecture all are equal, so that one is looked at."""
        first, scales = self.scales[0], self.scales
        if scales.count(first) == len(scales):
            return 0 < first < inf
        return min(scales) > 0 and sum(scales) < inf  # a maximum would pass over what is no number


@dataclass(frozen=True, slots=True)
class Tensor:
    """An array that goes into or comes out of an operation, or a constant of the network."""

    name: str
    shape: tuple[int, ...]
    """Batch first; −1 stands for a dimension that is not known before the network runs."""
    dtype: str
    """numpy's name of the element type, or the .tflite file's own name in lower case where numpy has none."""
    quantization: Quantization | None = None
    constant: bool = False
    """Whether its values are part of the network (weights, biases, shapes)."""
    data: bytes | None = field(default=None, repr=False, compare=False)
    """The values of a constant; None where only the architecture is known."""

    @property
    def elements(self) -> int:
        """Number of values; 0 if a dimension is unknown."""
        return 0 if self.dynamic else prod(self.shape)

    @property
    def dynamic(self) -> bool:
        """Whether a dimension is not known before the network runs."""
        return any(length < 0 for length in self.shape)


@dataclass(frozen=True, slots=True)
class Op:
    """One operation of the network."""

    kind: str
    """The name in TensorFlow Lite's schema, such as CONV_2D; for a custom operation, CUSTOM."""
    inputs: tuple[int, ...]
    """Positions in `Graph.tensors`; −1 where an optional input is left out."""
    outputs: tuple[int, ...]
    version: int = 1
    options: Mapping[str, int | float | bool | str | tuple[int, ...]] = field(default_factory=dict)
    """The schema's option names in lower case: stride_h, stride_w, padding ("SAME" or "VALID"), dilation_h_factor,
    dilation_w_factor, depth_multiplier, fused_activation_function ("NONE", "RELU", …), filter_height, axis, …"""
    name: str = ""
    """What people call it: the Keras layer or the output tensor's name."""
    custom_code: str = ""
    custom_options: bytes = field(default=b"", repr=False, compare=False)
    """What a custom operation carries with it; for a compiled file, the chip's program."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole network, its operations in the order in which they run."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    name: str = ""

    def tensor(self, index: int) -> Tensor | None:
        """Return the tensor at a position of `Op.inputs` or `Op.outputs`, or None where the input is left out."""
        return None if index < 0 else self.tensors[index]

    def operands(self, op: Op) -> tuple[Tensor | None, ...]:
        """Return the tensors that an operation reads, in order."""
        return tuple(self.tensor(index) for index in op.inputs)

    def results(self, op: Op) -> tuple[Tensor, ...]:
        """Return the tensors that an operation writes, in order."""
        return tuple(self.tensors[index] for index in op.outputs)
