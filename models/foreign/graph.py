"""Open a stranger's TensorFlow graph: a SavedModel, or a frozen graph with its weights in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import saved_model_pb2

from models.errors import ForeignRefused
from models.foreign.archive import unpack
from models.foreign.model import Foreign, fixed_shape
from models.foreign.ops import refuse_other_ops

SERVING = "serving_default"
UNREADABLE = (
    "This file cannot be read as a frozen TensorFlow graph; perhaps it was cut short. A graph whose weights are in "
    "variables of their own is a SavedModel: upload its whole folder as a ZIP."
)
PARALLEL = ("Const", "Placeholder", "PlaceholderWithDefault", "NoOp", "Assert")
"""Operations that nobody reads without being answers."""


def open_saved_model(path: Path, scratch: Path) -> Foreign:
    """Return the network of a SavedModel in a ZIP.

    Raises:
        ForeignRefused: if the archive is unsafe, or the graph does more than compute.
    """
    folder = scratch / "saved_model"
    unpack(path, folder)
    found = sorted(folder.rglob("saved_model.pb"), key=lambda file: len(file.parts))
    if len(found) != 1:
        raise ForeignRefused(f"This ZIP holds {len(found)} SavedModels. Pack the folder of one alone.")
    _check_saved(found[0])
    try:
        loaded = tf.saved_model.load(str(found[0].parent))
    except Exception as error:  # TensorFlow raises whatever the files led it into
        raise ForeignRefused(
            f"TensorFlow {tf.__version__} cannot load this SavedModel: {_first_line(error)}"
        ) from error
    return _served(loaded)


def _check_saved(file: Path) -> None:
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(file.read_bytes())
    except DecodeError as error:
        raise ForeignRefused("saved_model.pb in this ZIP is damaged. Export the model again.") from error
    for meta_graph in saved.meta_graphs:
        if meta_graph.asset_file_def:
            raise ForeignRefused(
                "This SavedModel reads further files (assets), as models for text do. Atoll takes networks that "
                "look at pictures: export it without them."
            )
        refuse_other_ops(meta_graph.graph_def, may_save=True)


def _served(loaded: Any) -> Foreign:
    signatures = dict(getattr(loaded, "signatures", {}))
    if not signatures:
        raise ForeignRefused(
            "This SavedModel says of no function that it is to be served. Export it with model.export."
        )
    signature = signatures.get(SERVING) or next(iter(signatures.values()))
    inputs = list(signature.structured_input_signature[1].items())
    if len(inputs) != 1:
        raise ForeignRefused(
            f"The function “{SERVING}” of this SavedModel has {len(inputs)} inputs. Atoll takes networks that look at "
            "one picture at a time."
        )
    name, spec = inputs[0]
    shape = fixed_shape(spec.shape.as_list() if spec.shape.rank is not None else [])

    def call(image: Any) -> Sequence[Any]:
        answers = signature(**{name: tf.cast(image, spec.dtype)})
        return [answers[key] for key in sorted(answers)]

    return Foreign(call, shape, loaded)


def open_frozen_graph(path: Path) -> Foreign:
    """Return the network of a frozen graph.

    Raises:
        ForeignRefused: if it cannot be read, does more than compute, or its input or answers are not clear.
    """
    graph_def = graph_pb2.GraphDef()
    try:
        graph_def.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ForeignRefused(UNREADABLE) from error
    if not graph_def.node:
        raise ForeignRefused(UNREADABLE)
    refuse_other_ops(graph_def, may_save=False)
    image = _only_input(graph_def)
    shape = fixed_shape([None if one.size < 0 else one.size for one in image.attr["shape"].shape.dim])
    answers = _answers(graph_def)
    dtype = tf.as_dtype(image.attr["dtype"].type)

    def call(pixels: Any) -> Sequence[Any]:
        mapped = {image.name: tf.cast(pixels, dtype)}
        found = tf.graph_util.import_graph_def(graph_def, input_map=mapped, return_elements=answers, name="")
        return list(found)

    return Foreign(call, shape, graph_def)


def _only_input(graph_def: Any) -> Any:
    inputs = [node for node in graph_def.node if node.op == "Placeholder"]
    if len(inputs) != 1:
        names = ", ".join(f"“{node.name[:40]}”" for node in inputs[:4]) or "none"
        raise ForeignRefused(
            f"This graph has {len(inputs)} inputs (Placeholder): {names}. Freeze it with the picture as its only input."
        )
    return inputs[0]


def _answers(graph_def: Any) -> list[str]:
    """Return what nobody in the graph reads: its outputs."""
    read = {source.lstrip("^").split(":")[0] for node in graph_def.node for source in node.input}
    names = [node.name for node in graph_def.node if node.name not in read and node.op not in PARALLEL]
    if not names or len(names) > 20:
        raise ForeignRefused(
            f"This graph has {len(names)} outputs, so it is not clear what it answers. Freeze it again."
        )
    return [f"{name}:0" for name in names]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
