"""Find a source's weights inside a compiled model: proof that it was made from that source, and where each layer lies.

The compiler stores the weights of a convolution in blocks of 4 inputs × 16 outputs, as unsigned bytes, filled up with
the zero point; a depthwise convolution as a diagonal of 4 × 4.

Source: seen in every compiled file of 2019 to 2021 that was compared with its source, uint8 and int8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from edgetpu.compiled_file import CompiledFile
from edgetpu.graph import Graph, Op
from edgetpu.memory import Placement

_SIGN = 0x80
_OUTPUTS, _INPUTS = 16, 4
_PROBES = 8
_WEIGHTED = frozenset(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"))


def placements(compiled: CompiledFile, source: Graph) -> Mapping[int, Placement | None]:
    """Return where the weights of each operation of the source are; None where they are not found.

    Only operations with constant weights of 8 bits are in the answer.
    """
    cached = b"".join(one.caching.parameters for one in compiled.operations if one.caching is not None)
    streamed = b"".join(one.inference.parameters for one in compiled.operations)
    on_cpu = {compiled.graph.tensors[index].name for op in compiled.cpu_ops for index in op.outputs}
    found: dict[int, Placement | None] = {}
    for index, op in enumerate(source.ops):
        probes = tuple(_probes(source, op))
        if op.name in on_cpu:
            found[index] = "cpu"
        elif probes:
            found[index] = _where(probes, cached, streamed)
    return found


def _where(probes: tuple[bytes, ...], cached: bytes, streamed: bytes) -> Placement | None:
    kept, sent = (sum(probe in blob for probe in probes) for blob in (cached, streamed))
    if 2 * max(kept, sent) < len(probes):
        return None
    return "cached" if kept >= sent else "streamed"


def _probes(graph: Graph, op: Op) -> Iterator[bytes]:
    """Yield pieces of an operation's weights as the compiler stores them."""
    weights = _array(graph, op) if op.kind in _WEIGHTED else None
    if weights is None:
        return
    values, zero = weights
    if op.kind == "DEPTHWISE_CONV_2D":
        yield from _diagonals(values[0], zero)
        return
    for start in _spread(values.shape[0], _OUTPUTS):
        block = np.full((_OUTPUTS, _INPUTS), zero, np.uint8)
        part = values[start : start + _OUTPUTS, 0, 0, :_INPUTS]
        block[: part.shape[0], : part.shape[1]] = part
        if np.ptp(part):
            yield block[: part.shape[0]].tobytes()


def _diagonals(values: np.ndarray, zero: int) -> Iterator[bytes]:
    """Yield the stored form of groups of 4 channels; values are (height, width, channels)."""
    for start in _spread(values.shape[-1], _INPUTS):
        channels = values[0, 0, start : start + _INPUTS]
        block = np.full((_INPUTS, _INPUTS), zero, np.uint8)
        block[np.arange(len(channels)), np.arange(len(channels))] = channels
        if np.ptp(channels):
            yield block.tobytes()


def _spread(length: int, step: int) -> range:
    """Return some starts of whole groups, spread over a length."""
    groups = max(length // step, 1)
    return range(0, groups * step, step * max(groups // _PROBES, 1))


def _array(graph: Graph, op: Op) -> tuple[np.ndarray, int] | None:
    """Return an operation's weights as unsigned bytes (outputs, height, width, inputs), and what stands for zero."""
    tensor = graph.tensor(op.inputs[1]) if len(op.inputs) > 1 else None
    if tensor is None or tensor.data is None or tensor.quantization is None or tensor.dtype not in ("int8", "uint8"):
        return None
    if len(tensor.data) != tensor.elements or len(tensor.shape) not in (2, 4):
        return None
    shift = _SIGN if tensor.dtype == "int8" else 0
    values = np.frombuffer(tensor.data, np.uint8) ^ np.uint8(shift)
    shape = tensor.shape if len(tensor.shape) == 4 else (tensor.shape[0], 1, 1, tensor.shape[1])
    return values.reshape(shape), (tensor.quantization.zero_points[0] + shift) & 0xFF
