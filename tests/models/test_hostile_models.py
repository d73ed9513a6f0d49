"""Models that are programs, bombs or no models at all are refused with a sentence before anything of them is built."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from models.errors import ForeignRefused
from models.foreign.archive import MOST_BYTES
from models.foreign.format import Format, format_of
from models.foreign.keras_config import check_config
from models.foreign.opening import open_foreign
from tests.models import foreign_files as files

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*HDF5 file.*")]
SECRET = Path("/etc/hostname")


def refusal_of(path: Path, kind: Format, scratch: Path) -> str:
    with pytest.raises(ForeignRefused) as caught:
        open_foreign(path, kind, scratch)
    return str(caught.value)


@pytest.mark.parametrize("write", [files.as_keras, files.as_h5])
def test_a_lambda_layer_is_refused_by_its_name(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(files.network(keras.layers.Lambda(lambda x: x * 2, name="trick")), tmp_path)
    kind = Format.KERAS if path.suffix == ".keras" else Format.H5
    assert refusal_of(path, kind, tmp_path).startswith(
        "The layer “trick” is a Lambda layer, which holds a piece of its"
    )


@pytest.mark.parametrize("write", [files.as_keras, files.as_h5])
def test_a_layer_of_ones_own_is_refused_by_its_name(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(files.network(files.Doubled(name="twice")), tmp_path)
    kind = Format.KERAS if path.suffix == ".keras" else Format.H5
    sentence = refusal_of(path, kind, tmp_path)
    assert sentence.startswith("The layer “twice” is of the class “mine>Doubled”, which is not one of Keras.")
    assert sentence.endswith("upload that as a ZIP.")


def test_a_function_of_ones_own_is_refused_by_the_name_of_its_layer(tmp_path: Path) -> None:
    path = files.as_keras(files.network(keras.layers.Activation(files.bent, name="curve")), tmp_path)
    assert "The layer “curve” uses the function “mine>bent”" in refusal_of(path, Format.KERAS, tmp_path)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "exec"),
        ("keras.config", "enable_unsafe_deserialization"),
        ("keras.utils", "get_file"),
        ("keras.layers", "TorchModuleWrapper"),
        ("keras.layers", "TFSMLayer"),
        ("keras.layers", "StringLookup"),
        ("keras.src.utils.file_utils", "copy"),
    ],
)
def test_a_description_may_name_nothing_that_runs_or_reads(module: str, name: str) -> None:
    hidden = {"module": module, "class_name": name, "config": {"name": "inside"}, "registered_name": None}
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [{"config": {"deep": [hidden]}}]}}
    with pytest.raises(ForeignRefused, match="“inside”"):
        check_config(config)


def test_a_description_that_is_nested_for_ever_ends_with_a_sentence() -> None:
    config: dict[str, Any] = {}
    for _ in range(400):
        config = {"config": config}
    with pytest.raises(ForeignRefused, match="nested too deeply"):
        check_config(config)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: tf.numpy_function(np.sin, [x], tf.float32), "calls a Python program of its author"),
        (lambda x: tf.cast(tf.strings.length(tf.io.read_file(str(SECRET))), tf.float32) + x, "reads files of the"),
    ],
)
def test_a_saved_model_that_runs_or_reads_is_refused(function: Any, words: str, tmp_path: Path) -> None:
    path = files.function_as_saved_model(function, tmp_path)
    sentence = refusal_of(path, Format.SAVED_MODEL, tmp_path)
    assert sentence.startswith("The layer “")
    assert words in sentence


def test_a_saved_model_that_writes_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "written"

    def function(picture: Any) -> Any:
        with tf.control_dependencies([tf.io.write_file(str(target), "mine")]):
            return tf.identity(picture)

    path = files.function_as_saved_model(function, tmp_path)
    assert "(WriteFile)" in refusal_of(path, Format.SAVED_MODEL, tmp_path)
    assert not target.exists()


def test_what_stores_variables_is_refused_inside_a_network(tmp_path: Path) -> None:
    def function(picture: Any) -> Any:
        read = tf.raw_ops.RestoreV2(prefix=str(SECRET), tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])
        return picture + tf.reduce_sum(read[0])

    path = files.function_as_saved_model(function, tmp_path)
    assert "(RestoreV2)" in refusal_of(path, Format.SAVED_MODEL, tmp_path)


def test_a_frozen_graph_that_reads_is_refused(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        tf.compat.v1.placeholder(tf.float32, (1, 16, 16, 3), name="picture")
        tf.io.read_file(str(SECRET), name="peek")
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    assert refusal_of(path, Format.FROZEN_GRAPH, tmp_path).startswith("The layer “peek” reads files of the machine")


def test_a_zip_bomb_called_keras_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        with archive.open("model.weights.h5", "w", force_zip64=True) as entry:
            for _ in range(64):
                entry.write(bytes(2**20))
    with pytest.raises(ForeignRefused, match=r"would grow [0-9,]+ times when unpacked"):
        format_of(path, path.name)


@pytest.mark.parametrize("name", ["../outside.h5", "/root/x", "a\\b", "C:/x"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("saved_model.pb", b"")
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(ForeignRefused, match="leads out of its folder"):
        format_of(path, path.name)


def test_weights_that_claim_to_be_huge_are_refused(tmp_path: Path) -> None:
    good = files.as_keras(files.network(), tmp_path)
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_dataset("layers/x", shape=(MOST_BYTES,), dtype="f4", chunks=(2**20,), compression="gzip")
    path = with_weights(good, weights.getvalue(), tmp_path / "huge.keras")
    assert "made to fill memory" in refusal_of(path, Format.KERAS, tmp_path)


def test_weights_that_lie_in_another_file_are_refused(tmp_path: Path) -> None:
    good = files.as_keras(files.network(), tmp_path)
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_dataset("x", shape=(4,), dtype="u1", external=[(str(SECRET), 0, 4)])
    outside = with_weights(good, weights.getvalue(), tmp_path / "outside.keras")
    assert "lies in another file" in refusal_of(outside, Format.KERAS, tmp_path)
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file["x"] = h5py.ExternalLink(str(SECRET), "/")
    linked = with_weights(good, weights.getvalue(), tmp_path / "linked.keras")
    assert "points to something outside of it" in refusal_of(linked, Format.KERAS, tmp_path)


def with_weights(good: Path, weights: bytes, target: Path) -> Path:
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(target, "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, weights if name == "model.weights.h5" else archive.read(name))
    return target


@pytest.mark.parametrize("write", [files.as_keras, files.as_h5, files.as_saved_model])
def test_a_file_that_was_cut_short_is_refused_with_a_sentence(write: Callable[..., Path], tmp_path: Path) -> None:
    whole = write(files.network(), tmp_path).read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(whole[: len(whole) // 2])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(ForeignRefused, match=r"damaged.*again"):
        open_foreign(cut, format_of(cut, "model.keras"), scratch)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (
            b"my notes on networks\n",
            "notes.keras",
            "“notes.keras” is a text file, not a model, whatever its name says.",
        ),
        (b"   ", "model.h5", "is empty, not a model"),
        (b"\x80\x02}q\x00.", "model.pt", "is a pickle, as PyTorch saves them"),
        (b"GGUF\x03\x00\x00\x00", "model.gguf", "is a GGUF language model"),
        (bytes(range(128, 256)) * 4, "model.keras", "does not begin like a model file; perhaps it was cut short"),
    ],
)
def test_what_is_no_model_is_called_by_what_it_is(content: bytes, name: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(ForeignRefused) as caught:
        format_of(path, name)
    assert words in str(caught.value)
    assert ".tflite." in str(caught.value)


def test_a_pytorch_file_and_a_zip_of_something_else_are_told_apart(tmp_path: Path) -> None:
    for name, words in (("net/data.pkl", "This is a PyTorch file."), ("a.jpg", "neither a Keras model")):
        path = tmp_path / "x.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"x")
        with pytest.raises(ForeignRefused, match=words):
            format_of(path, path.name)


def test_weights_without_their_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "only.weights.h5"
    files.network().save_weights(path)
    assert "holds weights without the network" in refusal_of(path, Format.H5, tmp_path)


def test_a_graph_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(b"\xff" * 64)
    assert "cannot be read as a frozen TensorFlow graph" in refusal_of(path, Format.FROZEN_GRAPH, tmp_path)


def test_a_damaged_description_is_refused(tmp_path: Path) -> None:
    good = files.as_keras(files.network(), tmp_path)
    bad = tmp_path / "bad.keras"
    shutil.copy(good, bad)
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(bad, "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, json.dumps([1]) if name == "config.json" else archive.read(name))
    assert "description of this Keras model is damaged" in refusal_of(bad, Format.KERAS, tmp_path)
