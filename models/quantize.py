"""From a trained Keras network to full-int8 .tflite files that the Edge TPU's compiler takes.

Two files come out, the same network with int8 and with uint8 input and output: cameras, browsers and Coral's own
examples hand over uint8 pixels, and a pixel is the input value as it is, without any arithmetic before.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edgetpu.graph import Graph, Tensor
from edgetpu.rules import map_ops
from edgetpu.tflite import read_graph
from models.correct import load_network
from models.errors import QuantizationFailed
from models.lite import converter_of

INT8_FILE, UINT8_FILE = "model_int8.tflite", "model_uint8.tflite"
Dtype = Literal["int8", "uint8"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How the integers of a tensor stand for real values: real = scale · (integer − zero_point)."""

    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class QuantizedFiles:
    """The two variants of one network, and what they were calibrated with."""

    int8: Path
    uint8: Path
    calibration_sha256: str
    """Of the calibration pictures' pixels."""
    calibration_count: int
    int8_input: Scale
    int8_output: Scale
    uint8_input: Scale
    uint8_output: Scale

    def to_json(self) -> dict[str, Any]:
        """Return the values as plain ones, paths as text."""
        return {**asdict(self), "int8": str(self.int8), "uint8": str(self.uint8)}


def quantize(
    checkpoint: Path, calibration: NDArray[np.uint8], out_dir: Path, *, converted: Path | None = None
) -> QuantizedFiles:
    """Write both variants of a trained network and return where they are.

    Args:
        checkpoint: a network for float input (pixel − 127) / 128, as `build_network` makes them.
        calibration: training pictures (pictures, height, width, 3) from which activation ranges are taken.
        out_dir: where the files go.
        converted: the int8 file that `quantize_to` made of these two, which moves to out_dir; None to make it.

    Raises:
        QuantizationFailed: if conversion fails, or gives an operation that compiler 16.0 does not take.
    """
    int8, uint8 = out_dir / INT8_FILE, out_dir / UINT8_FILE
    out_dir.mkdir(parents=True, exist_ok=True)
    network = load_network(checkpoint)
    if converted:
        scales = _scales_of(read_graph(converted.replace(int8)))
    else:
        scales = convert_network(network, calibration, int8, "int8")
    sha256 = hashlib.sha256(calibration.tobytes()).hexdigest()
    return QuantizedFiles(
        int8, uint8, sha256, len(calibration), *scales, *convert_network(network, calibration, uint8, "uint8")
    )


def quantize_to(
    checkpoint: Path, calibration: NDArray[np.uint8], path: Path, dtype: Dtype = "int8"
) -> tuple[Scale, Scale]:
    """Write one variant of a trained network; return the scales of its input and its output.

    Raises:
        QuantizationFailed: if conversion fails, or gives an operation that compiler 16.0 does not take.
    """
    return convert_network(load_network(checkpoint), calibration, path, dtype)


def convert_network(
    network: keras.Model, calibration: NDArray[np.uint8], path: Path, dtype: Dtype
) -> tuple[Scale, Scale]:
    """Write one variant of a network; return the scales of its input and its output.

    Raises:
        QuantizationFailed: if conversion fails, or gives an operation that compiler 16.0 does not take.
    """
    model = _convert(network, calibration, dtype)
    graph = read_graph(model)
    check_for_compiler(graph)
    scales = _scales_of(graph)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_bytes(model)
    scratch.replace(path)
    return scales


def check_for_compiler(graph: Graph) -> None:
    """Refuse a file that the Edge TPU's compiler, or the runtime of its time, would not take as a whole.

    Raises:
        QuantizationFailed: naming the operation.
    """
    for tensor in graph.tensors:
        if tensor.dynamic:
            raise QuantizationFailed(f"The shape {tensor.shape} of {tensor.name!r} is not fixed.")
    for verdict in map_ops(graph):
        if not verdict.mapped:
            raise QuantizationFailed(f"The Edge TPU cannot run {verdict.kind} {verdict.name!r}: {verdict.reason}")


def _convert(network: keras.Model, calibration: NDArray[np.uint8], dtype: Dtype) -> bytes:
    converter = converter_of(network, batch=1)  # the compiler takes no open dimension
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _calibrate(calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.as_dtype(dtype)
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # it prints the network's signature
            warnings.filterwarnings("ignore", "Statistics for quantized inputs")  # they come from the calibration
            return bytes(converter.convert())
    except Exception as error:  # the converter raises whatever its C++ side raises
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise QuantizationFailed(f"This network cannot be converted to int8: {reason[0][:300]}") from error


def _calibrate(pictures: NDArray[np.uint8]) -> Iterator[list[NDArray[np.float32]]]:
    """Yield pictures as the network reads them, the first with one black and one white pixel.

    So the input's range is that of all pixels, its scale 1/128, and a pixel needs no arithmetic to become an input.
    """
    for number, picture in enumerate(pictures):
        floats = (picture[None].astype(np.float32) - 127) / 128
        if number == 0:
            floats[0, 0, 0], floats[0, 0, 1] = -127 / 128, 1.0
        yield [floats]


def _scales_of(graph: Graph) -> tuple[Scale, Scale]:
    return _scale(graph.tensors[graph.inputs[0]]), _scale(graph.tensors[graph.outputs[0]])


def _scale(tensor: Tensor) -> Scale:
    if tensor.quantization is None or tensor.dtype not in ("int8", "uint8"):
        raise QuantizationFailed(f"{tensor.name!r} is {tensor.dtype}, not quantized to 8 bits.")
    return Scale(tensor.quantization.scales[0], tensor.quantization.zero_points[0])
