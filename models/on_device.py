"""New classes for a finished embedding extractor: a head is learned from a few pictures and written into the file.

The extractor may be compiled for the Edge TPU: what is appended runs on the CPU, as with Coral's own on-device APIs,
and the compiled part stays as it is. Both heads have the form that those APIs write and read (libcoral, coral/learn):
uint8 throughout.

- `imprint`: a class is the mean direction of its embeddings; one picture a class is enough.
- `fit_softmax`: a softmax regression on the embeddings; better with ten pictures a class or more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from edgetpu.errors import BadModel
from edgetpu.runtime import run_on_cpu
from edgetpu.tflite import read_graph, read_model_bytes
from models.head_writer import HeadWriter
from models.metadata import model_part
from models.tflite_file import pack_model, unpack_model

Reals = NDArray[np.float64]
SHARPNESS = 16.0
"""By what cosines are multiplied before the softmax: a cosine 0.1 larger makes a class five times as probable."""
_RIDGE = 1e-3
"""Weight of the squared weights in softmax regression: a handful of pictures would else drive them without end."""


@dataclass(frozen=True, slots=True)
class Imprint:
    """A class as a direction: what weight imprinting learns."""

    sums: Reals
    """(classes, channels): sums of embeddings of length 1, so that more pictures can be added later."""

    @property
    def weights(self) -> Reals:
        """(classes, channels), each row of length 1."""
        return _unit(self.sums)


@dataclass(frozen=True, slots=True)
class Softmax:
    """A softmax regression."""

    weights: Reals
    """(classes, channels)"""
    biases: Reals
    """(classes,)"""
    lowest: float
    """Of the logits of the pictures that it was fitted on."""
    highest: float


def embeddings_of(extractor: Path, pictures: NDArray[np.uint8]) -> Reals:
    """Return the embedding (pictures, channels) of each picture, computed on the CPU.

    Args:
        extractor: a uint8 file that was not compiled.
        pictures: (pictures, height, width, 3) of the extractor's input size.

    Raises:
        BadModel: if it is no embedding extractor.
        RunFailed: if it does not run here.
    """
    _, scale, zero_point = embedding_form(extractor)
    return (run_on_cpu(extractor, pictures, kernels="optimized").astype(np.float64) - zero_point) * scale


def embedding_form(extractor: Path) -> tuple[int, float, int]:
    """Return an extractor's number of channels, and the scale and the zero point of its output.

    Raises:
        BadModel: if the file is no embedding extractor.
    """
    graph = read_graph(extractor)
    output = graph.tensors[graph.outputs[0]] if len(graph.outputs) == 1 else None
    if output is None or output.shape[:-1] != (1, 1, 1) or output.dtype != "uint8" or output.quantization is None:
        raise BadModel(
            f"{extractor.name} is no embedding extractor: it must end with one uint8 tensor of 1×1×1×channels. "
            "Take embedding_extractor.tflite of a run, or one of Coral's."
        )
    return output.shape[-1], output.quantization.scales[0], output.quantization.zero_points[0]


def imprint(embeddings: Reals, labels: NDArray[np.int64], classes: int) -> Imprint:
    """Return the imprint of every class; each class needs at least one picture."""
    directions = _unit(embeddings)
    return Imprint(np.stack([directions[labels == label].sum(axis=0) for label in range(classes)]))


def fit_softmax(embeddings: Reals, labels: NDArray[np.int64], classes: int) -> Softmax:
    """Return the softmax regression that fits the embeddings."""
    spread = max(float(embeddings.std()), 1e-9)
    inputs = embeddings / spread
    wanted = np.eye(classes)[labels]

    def loss(flat: Reals) -> tuple[float, Reals]:
        weights, biases = flat[:-classes].reshape(classes, -1), flat[-classes:]
        logits = inputs @ weights.T + biases
        error = (softmax(logits, axis=1) - wanted) / len(labels)
        value = -(wanted * log_softmax(logits, axis=1)).sum() / len(labels) + _RIDGE * (weights**2).sum()
        return float(value), np.concatenate([(error.T @ inputs + 2 * _RIDGE * weights).ravel(), error.sum(axis=0)])

    found = minimize(loss, np.zeros(classes * (inputs.shape[1] + 1)), jac=True, method="L-BFGS-B").x
    weights, biases = found[:-classes].reshape(classes, -1) / spread, found[-classes:]
    logits = embeddings @ weights.T + biases
    return Softmax(weights, biases, float(logits.min()), float(logits.max()))


def write_imprinted(extractor: Path, head: Imprint, target: Path) -> None:
    """Write a classifier: the extractor, its output made length 1, the cosine to each class, softmax.

    Coral's ImprintingEngine can open it and add pictures and classes: the model's description holds what it needs.

    Raises:
        BadModel: if the extractor is none, or has other channels.
    """

    def append(writer: HeadWriter, model: Any) -> None:
        writer.normalize()
        writer.compare(head.weights)
        writer.multiply(SHARPNESS)
        writer.flatten()
        lengths = np.linalg.norm(head.sums, axis=1)
        model.description = "".join(f"{number} {length:f}\n" for number, length in enumerate(lengths))

    _write(extractor, head.weights, target, append)


def write_softmax(extractor: Path, head: Softmax, target: Path) -> None:
    """Write a classifier: the extractor, a fully connected layer, softmax.

    Raises:
        BadModel: if the extractor is none, or has other channels.
    """

    def append(writer: HeadWriter, model: Any) -> None:
        writer.connect(head.weights, head.biases, head.lowest, head.highest)

    _write(extractor, head.weights, target, append)


def _write(extractor: Path, weights: Reals, target: Path, append: Callable[[HeadWriter, Any], None]) -> None:
    channels, _, _ = embedding_form(extractor)
    if weights.shape[1] != channels:
        raise BadModel(f"{extractor.name} gives {channels} channels, the head was learned on {weights.shape[1]}.")
    model = unpack_model(model_part(read_model_bytes(extractor)))
    writer = HeadWriter(model)
    append(writer, model)
    writer.softmax()
    scratch = target.with_suffix(".part")
    scratch.write_bytes(pack_model(model))
    scratch.replace(target)


def _unit(rows: Reals) -> Reals:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12))
