"""From a stranger's float network to int8 files; what TensorFlow Lite cannot convert is named by its layer."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edgetpu.graph import Graph
from edgetpu.tflite import read_graph
from models.errors import ForeignRefused
from models.foreign.model import Served
from models.foreign.words import layer_of
from models.pixels import PixelRange

Pictures = NDArray[np.uint8]
FAILED_OP = re.compile(r"error: (?P<where>loc\(.*?)'(?P<op>tfl?\.[A-Za-z0-9_]+)' op (?P<what>[^\n]*)")
LAYER = re.compile(r'"([^"@]+)@')
NO_FORM = "neither a custom op nor a flex op"


def save_for_conversion(served: Served, folder: Path) -> Path:
    """Write a network in the form that the converter takes; return where it is."""
    with contextlib.redirect_stdout(io.StringIO()):
        tf.saved_model.save(served, str(folder), signatures=served.answer.get_concrete_function())
    return folder


def convert_to_int8(saved: Path, calibration: Pictures, pixels: PixelRange, *, target: Path, dtype: str) -> Graph:
    """Write the int8 or uint8 form of a network and return its graph; what has no 8-bit form stays in floating point.

    Args:
        saved: what `save_for_conversion` wrote.
        calibration: (pictures, height, width, channels), from which the ranges of activations are taken.
        pixels: how a pixel becomes the network's input.
        target: the file to write.
        dtype: "int8" or "uint8", of input and output.

    Raises:
        ForeignRefused: naming the layer that cannot be converted.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _floats(calibration, pixels)
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]
    converter.inference_input_type = converter.inference_output_type = tf.as_dtype(dtype)
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    content = _converted(converter.convert)
    graph = read_graph(content)
    _check_sizes(graph)
    target.write_bytes(content)
    return graph


def _floats(calibration: Pictures, pixels: PixelRange) -> Iterator[list[NDArray[np.float32]]]:
    """Yield pictures as the network reads them, the first with a black and a white pixel.

    So the input's range is that of all pixels, and a pixel becomes an int8 input by subtracting 128.
    """
    for number, picture in enumerate(calibration):
        floats = picture[None].astype(np.float32) * pixels.scale + pixels.offset
        if number == 0:
            floats[0, 0, 0], floats[0, 0, -1] = pixels.ends
        yield [floats.astype(np.float32)]


def _converted(convert: Callable[[], Any]) -> bytes:
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.filterwarnings("ignore", "Statistics for quantized inputs")  # they come from the calibration
            return bytes(convert())
    except Exception as error:  # the converter raises whatever its C++ side raises
        raise ForeignRefused(why_not(str(error) or type(error).__name__)) from error


def why_not(said: str) -> str:
    """Return in a sentence what the converter said: which layer, and why."""
    found = FAILED_OP.search(said)
    if found is None:
        return f"TensorFlow Lite cannot convert this network: {said.strip().splitlines()[0][:300]}"
    layers = LAYER.findall(found["where"])
    layer = layer_of(layers[0]) if layers else "without a name"
    kind = found["op"].partition(".")[2]
    if NO_FORM in found["what"]:
        return (
            f"The layer “{layer}” cannot be converted: TensorFlow Lite has no operation for {kind}. Replace it with "
            "one that it has (for example ReLU for another activation) and train or export the network again."
        )
    return f"The layer “{layer}” ({kind}) cannot be converted: {found['what'][:200].rstrip('. ')}."


def _check_sizes(graph: Graph) -> None:
    for tensor in graph.tensors:
        if tensor.dynamic:
            raise ForeignRefused(
                f"The layer “{layer_of(tensor.name)}” gives a result whose size is known only while it runs, and the "
                "Edge TPU takes fixed sizes only. Export the network without it."
            )
