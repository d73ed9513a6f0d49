"""How large the int8 file of a network will be, before it is trained. Pure: no Keras here."""

from __future__ import annotations

from math import prod

import numpy as np

from models.architecture import Architecture

_BYTES_A_CHANNEL = 24
"""Scale and zero point (4 + 8 bytes) of each output channel of a convolution, of its weights and of its bias."""
_BYTES_AN_OP = 740
"""Names, shapes and options: 690 to 810 bytes an operation in eight of our files of 14 to 65 operations."""


def int8_file_bytes(architecture: Architecture, classes: int) -> int:
    """Return the size of the .tflite file in bytes, about: within 2 % of eight files of 117 KB to 2.7 MB."""
    graph = architecture.graph(classes)
    constants = sum(prod(each.shape) * np.dtype(each.dtype).itemsize for each in graph.tensors if each.constant)
    channels = sum(layer.shape[-1] for layer in architecture.layers(classes) if layer.weights)
    return constants + _BYTES_A_CHANNEL * channels + _BYTES_AN_OP * len(graph.ops)
