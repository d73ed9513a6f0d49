"""Labels and normalization inside a .tflite file, as TensorFlow Lite's metadata standard has them.

The file's metadata table gets an entry TFLITE_METADATA, a small flatbuffer of its own, and a ZIP with labels.txt
follows the model, so that Android's support library and other tools need no further file. The interpreter reads past
both, and so does the Edge TPU's compiler: Coral's own MobileNets of 2021 have them, before and after compiling. It does
not copy them into what it writes (ultralytics/yolov5 #9903, google-coral/edgetpu #652), so a compiled file is described
anew once it is compiled.

Source: tensorflow_lite_support/metadata/metadata_schema.fbs of tensorflow/tflite-support (Apache-2.0).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from edgetpu.errors import BadModel
from edgetpu.flatbuffer import FlatFile
from edgetpu.graph import Graph
from edgetpu.tflite import read_graph, read_model_bytes
from models.tflite_file import add_buffer, pack_model, unpack_model

LABELS_FILE = "labels.txt"
ENTRY = "TFLITE_METADATA"
MEAN, SPREAD = 127.0, 128.0
"""Of the float network's input, (pixel − mean) / spread. Quantized files state the same ones; with the input's scale
1/128 and zero point 127 (uint8) or −1 (int8) it follows that a pixel is the input value as it is."""
_IDENTIFIER = b"M001"
_PARSER = "1.0.0"
"""The oldest reader that knows every field used here."""
_IMAGE_PROPERTIES, _RGB, _NORMALIZATION, _AXIS_LABELS = 2, 1, 1, 2
_LOOKS_NUMBERED = re.compile(r"\d+[:\s]")
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of the ZIP's entry: equal models give equal files."""

Field = tuple[int, int, str]
"""Slot, value or offset, and how it is stored."""


def labels_text(classes: Sequence[str]) -> str:
    """Return labels as pycoral's `read_label_file` reads them: one a line.

    A class such as “7 up” would be read there as number 7 with the name “up”; then every line begins with its number.
    """
    names = [one_line(name) for name in classes]
    numbered = any(_LOOKS_NUMBERED.match(name) for name in names)
    return "".join(f"{number} {name}\n" if numbered else f"{name}\n" for number, name in enumerate(names))


def one_line(name: str) -> str:
    """Return a class's name without line breaks, which would shift the names after it."""
    return " ".join(name.split()) or "_"


def describe_classifier(path: Path, classes: Sequence[str]) -> None:
    """Write labels and normalization into a classifier's file; a file that has them gets them anew.

    Raises:
        BadModel: if it is no classifier of so many classes.
    """
    content = model_part(read_model_bytes(path))
    graph = read_graph(content)
    outputs = [graph.tensors[place] for place in graph.outputs]
    if len(outputs) != 1 or outputs[0].shape[-1] != len(classes):
        raise BadModel(f"{path.name} does not answer with a number for each of {len(classes)} classes.")
    model = unpack_model(content)
    model.metadata = [each for each in model.metadata or [] if each.name not in (ENTRY, ENTRY.encode())]
    entry = schema.MetadataT()
    entry.name, entry.buffer = ENTRY, add_buffer(model, _metadata(graph))
    model.metadata.append(entry)
    scratch = path.with_suffix(".part")
    scratch.write_bytes(pack_model(model) + _zip_of_labels(classes))
    scratch.replace(path)


def copy_description(source: Path, target: Path) -> None:
    """Give a compiled file the labels and the normalization of its source, where that has them."""
    labels = read_labels(source)
    if labels and not read_labels(target):
        describe_classifier(target, labels)


def model_part(content: bytes) -> bytes:
    """Return a .tflite file without the ZIP that may follow the model."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            start = min((entry.header_offset for entry in archive.infolist()), default=len(content))
    except zipfile.BadZipFile:
        return content
    return content[:start]


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the labels inside a file; none if it has none.

    Raises:
        BadModel: if the file says that it has labels, and they cannot be read.
    """
    content = read_model_bytes(path)
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return ()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".txt")]
            with archive.open(names[0] if len(names) == 1 else LABELS_FILE) as file:
                return tuple(file.read(1 << 20).decode("utf-8").splitlines())
    except (KeyError, zipfile.BadZipFile, UnicodeDecodeError, RuntimeError, NotImplementedError) as error:
        raise BadModel(f"The labels inside {path.name} cannot be read.") from error


def read_normalization(path: Path) -> tuple[float, float] | None:
    """Return mean and spread of the input as the file's metadata state them, or None."""
    model = FlatFile(read_model_bytes(path)).root()
    for entry in model.tables(6):
        if entry.text(0) == ENTRY:
            described = FlatFile(bytes(model.tables(4)[entry.integer(1, "I")].octets(0))).root()
            unit = described.tables(3)[0].tables(2)[0].tables(4)[0].table(1)
            return None if unit is None else (unit.reals(0)[0], unit.reals(1)[0])
    return None


def _zip_of_labels(classes: Sequence[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(LABELS_FILE, _EPOCH), "".join(f"{one_line(name)}\n" for name in classes))
    return buffer.getvalue()


def _metadata(graph: Graph) -> bytes:
    """Return the metadata of a classifier of RGB pictures."""
    build = _Writer()
    height, width = graph.tensors[graph.inputs[0]].shape[1:3]
    size = build.table((0, width, "uint32"), (1, height, "uint32"))
    picture = build.table((0, _RGB, "byte"), (1, size, "offset"))
    unit = build.table((0, build.reals(MEAN), "offset"), (1, build.reals(SPREAD), "offset"))
    entry = build.tensor("image", "RGB picture, squeezed to the input's size.", _IMAGE_PROPERTIES, picture)
    units = build.tables(build.table((0, _NORMALIZATION, "byte"), (1, unit, "offset")))
    names = build.tables(build.table((0, build.text(LABELS_FILE), "offset"), (2, _AXIS_LABELS, "byte")))
    feature = build.table()
    answer = build.tensor("probability", "Probability of each class.", 1, feature)
    graph_table = build.table(
        (2, build.tables(build.table(*entry, (4, units, "offset"))), "offset"),
        (3, build.tables(build.table(*answer, (6, names, "offset"))), "offset"),
    )
    return build.finish(
        build.table(
            (0, build.text("Classifier made with Atoll"), "offset"),
            (3, build.tables(graph_table), "offset"),
            (7, build.text(_PARSER), "offset"),
        )
    )


class _Writer:
    """Writes tables by slot number; what a table refers to must be written before it."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)
        self._add: dict[str, Callable[[int, Any], None]] = {
            "offset": lambda slot, value: self._builder.PrependUOffsetTRelativeSlot(slot, value, 0),
            "byte": lambda slot, value: self._builder.PrependUint8Slot(slot, value, 0),
            "uint32": lambda slot, value: self._builder.PrependUint32Slot(slot, value, 0),
        }

    def table(self, *fields: Field) -> int:
        self._builder.StartObject(max((slot for slot, _, _ in fields), default=-1) + 1)
        for slot, value, kind in fields:
            self._add[kind](slot, value)
        return int(self._builder.EndObject())

    def tensor(self, name: str, description: str, kind: int, properties: int) -> tuple[Field, ...]:
        """Return the first fields of a tensor's description; `kind` is the number in the union of properties."""
        content = self.table((0, kind, "byte"), (1, properties, "offset"))
        return (0, self.text(name), "offset"), (1, self.text(description), "offset"), (3, content, "offset")

    def text(self, words: str) -> int:
        return int(self._builder.CreateString(words))

    def tables(self, *offsets: int) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def reals(self, *values: float) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return int(self._builder.EndVector())

    def finish(self, root: int) -> bytes:
        self._builder.Finish(root, file_identifier=_IDENTIFIER)
        return bytes(self._builder.Output())
