"""A trained network without its last layer: what Coral's on-device APIs learn new classes on."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from models.correct import load_network
from models.errors import QuantizationFailed
from models.quantize import convert_network

EXTRACTOR_FILE = "embedding_extractor.tflite"


def export_embedding_extractor(checkpoint: Path, calibration: NDArray[np.uint8], target: Path) -> None:
    """Write the network up to its global mean as one file with uint8 input and output, the output 1×1×1×channels.

    Args:
        checkpoint: a trained network for float input (pixel − 127) / 128.
        calibration: training pictures (pictures, height, width, 3) from which activation ranges are taken.
        target: where the file goes.

    Raises:
        QuantizationFailed: if the network has no global mean, or cannot become a file that the compiler takes.
    """
    network = load_network(checkpoint)
    pools = [layer for layer in network.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D)]
    if not pools:
        raise QuantizationFailed("This network has no global mean before its last layer, so it has no embedding.")
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="embedding")(pools[-1].input)
    convert_network(keras.Model(network.input, mean), calibration, target, "uint8")
