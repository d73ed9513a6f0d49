"""Open any float model that somebody brought along, by what kind of file it is."""

from __future__ import annotations

from pathlib import Path

import keras

from edgetpu.tflite import read_graph
from models.errors import ForeignRefused
from models.foreign.format import Format
from models.foreign.graph import open_frozen_graph, open_saved_model
from models.foreign.keras import foreign_of, open_h5, open_keras
from models.foreign.model import Foreign, fixed_shape
from models.stored_network import network_from


def open_foreign(path: Path, kind: Format, scratch: Path) -> Foreign:
    """Return the network of a file.

    Args:
        path: where it lies.
        kind: what `models.foreign.format.format_of` says it is.
        scratch: a folder for what is unpacked.

    Raises:
        ForeignRefused: if it cannot be opened, or does more than compute.
        NetworkUnreadable: if a .tflite file has an operation that cannot be quantized anew.
    """
    match kind:
        case Format.KERAS:
            return open_keras(path, scratch)
        case Format.H5:
            return open_h5(path, scratch)
        case Format.SAVED_MODEL:
            return open_saved_model(path, scratch)
        case Format.FROZEN_GRAPH:
            return open_frozen_graph(path)
        case Format.TFLITE:
            return _open_float_tflite(path)


def _open_float_tflite(path: Path) -> Foreign:
    """Return the network of a float .tflite file, built anew from its operations and weights."""
    graph = read_graph(path)
    if len(graph.inputs) != 1:
        raise ForeignRefused(
            f"This file has {len(graph.inputs)} inputs. Atoll takes networks that look at one picture at a time."
        )
    image = graph.tensors[graph.inputs[0]]
    if image.dtype != "float32":
        raise ForeignRefused(
            f"The input of this file is {image.dtype}. Atoll takes float32, which it quantizes, and int8 and uint8, "
            "which are quantized already."
        )
    fixed_shape([None if length < 0 else length for length in image.shape])
    network: keras.Model = network_from(graph)
    return foreign_of(network)
