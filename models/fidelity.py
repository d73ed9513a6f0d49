"""How true an int8 file is to its float network, layer by layer: where rounding costs most."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edgetpu.graph import Graph, Tensor
from edgetpu.runtime import tensors_on_cpu
from edgetpu.tflite import read_graph
from models.correct import as_input, load_network

PICTURES = 16
"""Few are enough: every one gives hundreds of values a layer."""
_COPY = re.compile(r"_\d+$")
"""What tracing appends to the name of a layer."""
_PARTS = re.compile(r"_(norm|relu)$")
"""What `build_network` appends for the batch norm and the activation of a layer."""
_NOT_COMPARED = ("QUANTIZE", "DEQUANTIZE", "SOFTMAX")


@dataclass(frozen=True, slots=True)
class LayerFidelity:
    """What int8 makes of one layer's output."""

    name: str
    kind: str
    signal_to_noise_db: float

    @property
    def error_share(self) -> float:
        """Size of the rounding error against the output itself, both as root mean squares."""
        return float(10 ** (-self.signal_to_noise_db / 20))

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "signal_to_noise_db": round(self.signal_to_noise_db, 2),
            "error_share": round(self.error_share, 4),
        }


def layer_fidelity(checkpoint: Path, model: Path, pictures: NDArray[np.uint8]) -> list[LayerFidelity]:
    """Return the layers of an int8 file, the least true one first.

    Args:
        checkpoint: the float network that the file was converted from.
        model: the int8 file, whose input is the pixel − 128.
        pictures: (pictures, height, width, 3), of which PICTURES are used.
    """
    network, graph = load_network(checkpoint), read_graph(model)
    pairs = _pairs(network, graph)
    if not pairs:
        return []
    shown = np.asarray(pictures[np.linspace(0, len(pictures) - 1, min(PICTURES, len(pictures))).astype(int)])
    places = [place for _, place, _ in pairs]
    integers = tensors_on_cpu(model, (shown ^ 0x80).view(np.int8), places)
    in_float = keras.Model(network.input, [network.get_layer(name).output for name, _, _ in pairs])
    sums = np.zeros((len(pairs), 2))
    for number, picture in enumerate(shown):
        wanted = in_float(as_input(picture[None]), training=False)
        for row, (values, found, place) in enumerate(zip(_listed(wanted), integers, places, strict=True)):
            exact = np.asarray(values, np.float64)[0]
            error = _real(graph.tensors[place], found[number]) - exact
            sums[row] += (exact**2).sum(), (error**2).sum()
    layers = [
        LayerFidelity(_PARTS.sub("", name), kind, _decibel(*row))
        for (name, _, kind), row in zip(pairs, sums, strict=True)
    ]
    return sorted(layers, key=lambda layer: layer.signal_to_noise_db)


def _pairs(network: keras.Model, graph: Graph) -> list[tuple[str, int, str]]:
    """Return (Keras layer, tensor of the file, kind of operation) for every output that both have."""
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in network.layers if hasattr(layer, "output")}
    found = []
    for op in graph.ops:
        name = _layer_of(op.name, set(shapes))
        tensor = graph.tensors[op.outputs[0]]
        if name and op.kind not in _NOT_COMPARED and tensor.shape[1:] == shapes[name]:
            found.append((name, op.outputs[0], op.kind))
    return found


def _layer_of(tensor_name: str, layers: set[str]) -> str | None:
    """Return the layer whose output a tensor is: conversion names it first, before those that were fused into it."""
    for part in tensor_name.split(";")[0].split("/"):
        for name in (_COPY.sub("", part), part):
            if name in layers:
                return name
    return None


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def _real(tensor: Tensor, integers: NDArray[Any]) -> NDArray[np.float64]:
    if tensor.quantization is None:
        return integers.astype(np.float64)
    return (integers.astype(np.float64) - tensor.quantization.zero_points[0]) * tensor.quantization.scales[0]


def _decibel(signal: float, noise: float) -> float:
    """Return the ratio, at most 120 dB, which stands for no error at all."""
    return min(120.0, 10 * math.log10(max(signal, 1e-30) / max(noise, 1e-30)))
