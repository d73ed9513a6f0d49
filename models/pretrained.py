"""Networks that have learned already: published .tflite files and our own checkpoints, ready to learn something else.

A published file is compared with the published architectures of every family, operation by operation. The one that
fits is built with plain Keras layers, and the file's weights, as real numbers, are put into it. Batch normalization is
folded into published weights; it comes back as a normalization that changes nothing until it is trained.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edgetpu.graph import Graph
from edgetpu.tflite import read_graph
from models import keras_application
from models.architecture import Architecture
from models.backbones import BACKBONES, Backbone, fetch_backbone, find_backbone
from models.description import classes_in
from models.errors import ModelError, NetworkUnreadable
from models.families import FAMILIES
from models.layers import INPUT, Layer
from models.network import build_network
from models.stored import PASSING, InputScale, Step, input_scale_of, steps_of, with_our_input
from models.stored_network import LARGEST_OFFSET, network_from

__all__ = ["BACKBONES", "Backbone", "Parent", "fetch_backbone", "find_backbone", "load_network", "load_parent"]

ARCHITECTURE_FILE = "architecture.json"
"""Beside a checkpoint of ours: what `Architecture.to_json` wrote."""


@dataclass(frozen=True, slots=True, eq=False)
class Parent:
    """A network that has learned, and how it is built."""

    architecture: Architecture
    network: keras.Model
    """As `build_network` makes it, with its own classes."""
    classes: int


def load_parent(path: Path) -> Parent:
    """Return the network of a published .tflite or .h5 file, or of a checkpoint with `architecture.json` beside it.

    Raises:
        NetworkUnreadable: if the file is no network of a family that is known here.
        ArchitectureInvalid: if the architecture beside a checkpoint cannot be read.
        BadModel: if a .tflite file is missing or damaged.
    """
    if path.suffix == ".h5":
        return Parent(*keras_application.mobilenet_v2(path), keras_application.CLASSES)
    return _from_checkpoint(path) if path.suffix == ".keras" else _from_graph(read_graph(path), path.name)


def load_network(path: Path) -> keras.Model:
    """Return the network of a .tflite file as one of a family's where it is one, otherwise as it is in the file.

    Raises:
        NetworkUnreadable: naming the operation that cannot be trained here.
        BadModel: if the file is missing or damaged.
    """
    graph = read_graph(path)
    try:
        return _from_graph(graph, path.name).network
    except ModelError:
        return network_from(graph)


def _from_checkpoint(path: Path) -> Parent:
    try:
        value = json.loads(path.with_name(ARCHITECTURE_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NetworkUnreadable(f"{path.name} has no readable {ARCHITECTURE_FILE} beside it: {error}.") from error
    architecture, classes = Architecture.from_json(value), classes_in(path)
    network = build_network(architecture, classes, seed=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras only warns of layers that it finds no weights for
            network.load_weights(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, UserWarning) as error:
        raise NetworkUnreadable(f"{path.name} is not the network that {ARCHITECTURE_FILE} describes.") from error
    return Parent(architecture, network, classes)


def _from_graph(graph: Graph, name: str) -> Parent:
    scale = input_scale_of(graph)
    if abs(scale.offset) > LARGEST_OFFSET:
        raise NetworkUnreadable(f"{name} does not read pixels around 0: what it pads with is not what we pad with.")
    steps = _in_our_words(steps_of(graph))
    side, classes = _side_of(graph, name), _classes_of(steps, name)
    for architecture in _published(side):
        layers = architecture.layers(classes)[: len(steps)]
        if _fits(steps, layers, graph.inputs[0]):
            network = build_network(architecture, classes, seed=0)
            _copy(steps, layers, network, scale)
            return Parent(architecture, network, classes)
    titles = ", ".join(family.title for family in FAMILIES.values() if family.published)
    raise NetworkUnreadable(f"{name} is none of the published networks of {titles}.")


def _published(side: int) -> Iterator[Architecture]:
    """Yield every published architecture, at the resolution of the file."""
    for family in FAMILIES.values():
        for architecture in family.published.values():
            yield replace(architecture, image_px=side)


def _side_of(graph: Graph, name: str) -> int:
    shape = graph.tensors[graph.inputs[0]].shape if len(graph.inputs) == 1 else ()
    if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3:
        raise NetworkUnreadable(f"{name} does not read one square picture of three colours.")
    return shape[1]


def _classes_of(steps: Sequence[Step], name: str) -> int:
    weighted = [step for step in steps if step.kernel is not None]
    if not weighted or weighted[-1].kind != "FULLY_CONNECTED":
        raise NetworkUnreadable(f"{name} does not end with classes.")
    return weighted[-1].shape[-1]


def _in_our_words(steps: Sequence[Step]) -> list[Step]:
    """Return the steps as our converter would write them, without those that pass numbers on unchanged."""
    behind: dict[int, int] = {}
    kept = []
    for step in steps:
        sources = tuple(behind.get(index, index) for index in step.sources)
        if step.kind in PASSING and len(sources) == 1:
            behind[step.output] = sources[0]
        else:
            kept.append(_in_our_word(replace(step, sources=sources)))
    return kept


def _in_our_word(step: Step) -> Step:
    single = len(step.shape) == 3 and step.shape[:2] == (1, 1)
    if step.kind == "MEAN" or (step.kind == "AVERAGE_POOL_2D" and single and step.padding == "valid"):
        return replace(step, kind="MEAN", shape=step.shape[-1:])
    if step.kind == "CONV_2D" and single and step.kernel is not None and step.kernel.shape[:2] == (1, 1):
        return replace(step, kind="FULLY_CONNECTED", shape=step.shape[-1:], kernel=step.kernel[0, 0])
    return step


def _fits(steps: Sequence[Step], layers: Sequence[Layer], image: int) -> bool:
    """Say whether the steps are these layers, in this order, each reading the same ones."""
    names = {image: INPUT}
    for step, layer in zip(steps, layers, strict=False):
        sources = [names.get(index, "") for index in step.sources]
        if sorted(sources) != sorted(layer.inputs) or not _same(step, layer):
            return False
        names[step.output] = layer.name
    return len(steps) == len(layers)


def _same(step: Step, layer: Layer) -> bool:
    if (step.kind, step.shape, step.activation) != (layer.kind, layer.shape, layer.activation):
        return False
    if step.kernel is None:
        return True
    channels = layer.shape[-1]
    shapes: dict[str, tuple[int, ...]] = {
        "CONV_2D": (*layer.kernel, layer.channels_in, channels),
        "DEPTHWISE_CONV_2D": (*layer.kernel, channels, 1),
        "FULLY_CONNECTED": (layer.channels_in, channels),
    }
    if step.kernel.shape != shapes.get(step.kind):
        return False
    slides = (step.strides, step.padding) == ((layer.stride, layer.stride), layer.padding)
    return step.kind == "FULLY_CONNECTED" or slides or (layer.kernel == (1, 1) and layer.stride == 1)


def _copy(steps: Sequence[Step], layers: Sequence[Layer], network: keras.Model, scale: InputScale) -> None:
    for number, (step, layer) in enumerate(zip(steps, layers, strict=True)):
        if step.kernel is None:
            continue
        whole = with_our_input(step, scale) if number == 0 else step
        channels = layer.shape[-1]
        bias = np.zeros(channels, np.float32) if whole.bias is None else whole.bias
        if not layer.norm:
            network.get_layer(layer.name).set_weights([whole.weights, bias])
            continue
        network.get_layer(layer.name).set_weights([whole.weights])
        _set_neutral(network.get_layer(f"{layer.name}_norm"), bias)


def _set_neutral(norm: Any, bias: np.ndarray) -> None:
    """Let a normalization add the bias and do nothing else: its divisor √(variance + ε) is 1."""
    ones = np.ones_like(bias)
    norm.set_weights([ones, bias, np.zeros_like(bias), ones * (1 - norm.epsilon)])
