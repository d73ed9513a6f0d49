"""From an embedding extractor and folders of pictures to a classifier file: new classes without training a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from edgetpu.errors import BadModel
from edgetpu.runtime import run_on_cpu
from edgetpu.tflite import read_graph
from models.metadata import describe_classifier, labels_text
from models.on_device import Reals, embeddings_of, fit_softmax, imprint, write_imprinted, write_softmax

Method = Literal["imprinting", "regression"]
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


@dataclass(frozen=True, slots=True)
class Learned:
    """What was written."""

    classifier: Path
    labels: Path
    compiled: Path | None
    """The same head behind the compiled extractor."""
    classes: tuple[str, ...]
    pictures: int
    right: int
    """How many of the pictures it learned from the classifier file names rightly, on the CPU."""

    def to_json(self) -> dict[str, Any]:
        """Return the values as plain ones, paths as text."""
        paths = {"classifier": str(self.classifier), "labels": str(self.labels)}
        compiled = {"compiled": str(self.compiled) if self.compiled else None}
        counts = {"classes": list(self.classes), "pictures": self.pictures, "right": self.right}
        return {**paths, **compiled, **counts}

    @property
    def sentence(self) -> str:
        """What a person wants to know."""
        also = f" and {self.compiled}" if self.compiled else ""
        return (
            f"Wrote {self.classifier}{also} for {len(self.classes)} classes ({self.labels}). "
            f"It names {self.right} of the {self.pictures} pictures that it learned from rightly; "
            "try it on others before you rely on it."
        )


def learn(
    extractor: Path, folder: Path, target: Path, *, method: Method = "imprinting", compiled: Path | None = None
) -> Learned:
    """Write a classifier of the folder's class folders, with labels inside and beside it.

    Args:
        extractor: an embedding extractor, uint8, not compiled: it runs here on the CPU.
        folder: a folder with one folder of pictures for each class.
        target: the classifier's file.
        method: weight imprinting, or softmax regression.
        compiled: the extractor compiled for the Edge TPU, which gets the same head.

    Raises:
        BadModel: if a file is no extractor, or the folder holds no two classes of readable pictures.
        RunFailed: if the extractor does not run here.
    """
    classes, pictures, labels = _read(folder, _input_px(extractor))
    embeddings = embeddings_of(extractor, pictures)
    write_head = _learner(method, embeddings, labels, len(classes))
    targets = [(extractor, target)]
    if compiled is not None:
        targets.append((compiled, target.with_name(f"{target.stem}_edgetpu.tflite")))
    for source, path in targets:
        write_head(source, path)
        describe_classifier(path, classes)
    beside = target.with_name(f"{target.stem}_labels.txt")
    beside.write_text(labels_text(classes), encoding="utf-8")
    right = int((classify(target, pictures).argmax(axis=1) == labels).sum())
    return Learned(target, beside, targets[1][1] if compiled else None, classes, len(labels), right)


def _learner(
    method: Method, embeddings: Reals, labels: NDArray[np.int64], classes: int
) -> Callable[[Path, Path], None]:
    """Return what writes the learned head behind an extractor into a file."""
    if method == "imprinting":
        imprinted = imprint(embeddings, labels, classes)
        return lambda extractor, target: write_imprinted(extractor, imprinted, target)
    fitted = fit_softmax(embeddings, labels, classes)
    return lambda extractor, target: write_softmax(extractor, fitted, target)


def classify(classifier: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the probabilities (pictures, classes) that a uint8 classifier gives on the CPU."""
    return run_on_cpu(classifier, pictures, kernels="optimized").astype(np.float64) / 256


def _input_px(extractor: Path) -> tuple[int, int]:
    graph = read_graph(extractor)
    shape = graph.tensors[graph.inputs[0]].shape if graph.inputs else ()
    if len(shape) != 4 or shape[3] != 3:
        raise BadModel(f"{extractor.name} does not take RGB pictures.")
    return shape[1], shape[2]


def _read(folder: Path, size: tuple[int, int]) -> tuple[tuple[str, ...], NDArray[np.uint8], NDArray[np.int64]]:
    """Return class names, pictures of the size, and labels."""
    files = {
        each.name: [file for file in sorted(each.iterdir()) if file.suffix.lower() in PICTURE_ENDINGS]
        for each in sorted(folder.iterdir() if folder.is_dir() else ())
        if each.is_dir()
    }
    empty = [name for name, found in files.items() if not found]
    if len(files) < 2 or empty:
        fault = f"{empty[0]!r} holds no picture" if empty else f"it has {len(files)}"
        raise BadModel(f"{folder} must have a folder of pictures for each of at least two classes; {fault}.")
    pictures = [read_picture(file, size) for found in files.values() for file in found]
    labels = [number for number, found in enumerate(files.values()) for _ in found]
    return tuple(files), np.stack(pictures), np.array(labels, np.int64)


def read_picture(file: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture, squeezed to (height, width, 3).

    Raises:
        BadModel: if it cannot be read.
    """
    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BadModel(f"The picture {file} cannot be read: {error}.") from error
