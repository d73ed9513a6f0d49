"""What kind of model file this is, by its content; a name is only what its owner calls it. Pure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path, PurePosixPath

from models.errors import ForeignRefused
from models.foreign.archive import names_in


class Format(StrEnum):
    """Kinds of model files that can be brought along."""

    KERAS = "keras"
    H5 = "h5"
    SAVED_MODEL = "saved_model"
    FROZEN_GRAPH = "frozen_graph"
    TFLITE = "tflite"

    @property
    def words(self) -> str:
        """What people call it."""
        return _TITLES[self]


_TITLES = {
    Format.KERAS: "Keras (.keras)",
    Format.H5: "Keras (HDF5)",
    Format.SAVED_MODEL: "TensorFlow SavedModel",
    Format.FROZEN_GRAPH: "TensorFlow frozen graph",
    Format.TFLITE: "TensorFlow Lite",
}
ENDINGS = (".keras", ".h5", ".hdf5", ".zip", ".pb", ".tflite")
KNOWN = "Atoll reads .keras, .h5, a SavedModel folder as a ZIP, a frozen graph (.pb) and .tflite"
HEAD_BYTES = 4096
H5_MAGIC, ZIP_MAGIC, TFLITE_MAGIC = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"TFL3"
OTHERS = {
    b"GGUF": "a GGUF language model",
    b"\x80\x02": "a pickle, as PyTorch saves them",
    b"\x1f\x8b": "a gzip archive: unpack it, and pack a SavedModel as a ZIP",
}


def format_of(path: Path, name: str) -> Format:
    """Return what a file is.

    Args:
        path: where it lies.
        name: what its owner calls it.

    Raises:
        ForeignRefused: if it is nothing that can be read, saying what it is instead where that can be seen.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head[4:8] == TFLITE_MAGIC:
        return Format.TFLITE
    if head.startswith(H5_MAGIC):
        return Format.H5
    if head.startswith(ZIP_MAGIC):
        return _format_of_zip(path)
    return _format_of_rest(head, name)


def _format_of_zip(path: Path) -> Format:
    names = names_in(path)
    if "config.json" in names and "model.weights.h5" in names:
        return Format.KERAS
    if any(PurePosixPath(name).name == "saved_model.pb" for name in names):
        return Format.SAVED_MODEL
    if any(name.endswith("data.pkl") for name in names):
        raise ForeignRefused(f"This is a PyTorch file. {KNOWN}: export it to TensorFlow first, for example by ONNX.")
    raise ForeignRefused(
        "This ZIP holds neither a Keras model (config.json with model.weights.h5) nor a SavedModel (saved_model.pb). "
        "Pack the folder that `model.export()` or `tf.saved_model.save` made."
    )


def _format_of_rest(head: bytes, name: str) -> Format:
    shown = "".join(char if char.isprintable() else "�" for char in name[:80])
    for magic, what in OTHERS.items():
        if head.startswith(magic):
            raise ForeignRefused(f"“{shown}” is {what}. {KNOWN}.")
    if not head.strip() or _is_text(head):
        what = "is a text file" if head.strip() else "is empty"
        raise ForeignRefused(f"“{shown}” {what}, not a model, whatever its name says. {KNOWN}.")
    if name.lower().endswith(".pb"):
        return Format.FROZEN_GRAPH
    raise ForeignRefused(
        f"“{shown}” does not begin like a model file; perhaps it was cut short or damaged on its way. {KNOWN}."
    )


def _is_text(head: bytes) -> bool:
    try:
        text = head[: HEAD_BYTES - 8].decode("utf-8", "strict")
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\r\n\t" for char in text)
