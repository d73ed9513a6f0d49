"""The pictures that a search trains and judges on: arrays on disk, mapped into memory, at any smaller resolution."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.errors import DatasetInvalid

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Split:
    """Pictures with their labels."""

    images: NDArray[np.uint8]
    """(pictures, height, width, 3), mapped from the file."""
    labels: NDArray[np.int64]
    """(pictures,), positions in the list of classes."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Frozen splits of one set of pictures."""

    folder: Path
    classes: tuple[str, ...]
    splits: Mapping[str, Split]

    @property
    def image_px(self) -> int:
        """Side of the stored pictures in px."""
        return int(self.splits["train"].images.shape[1])

    @property
    def train(self) -> Split:
        """What networks learn from."""
        return self.splits["train"]

    @property
    def validation(self) -> Split:
        """What trials are ranked by."""
        return self.splits["validation"]

    @property
    def test(self) -> Split:
        """What the chosen network is judged by, once."""
        return self.splits["test"]

    def at(self, image_px: int) -> Dataset:
        """Return the same pictures at another resolution; smaller ones are averaged over areas and kept on disk."""
        if image_px == self.image_px:
            return self
        splits = {name: _resampled(self.folder, name, split, image_px) for name, split in self.splits.items()}
        return Dataset(self.folder, self.classes, MappingProxyType(splits))


def load(folder: Path) -> Dataset:
    """Return the dataset of a folder with `{split}_images.npy`, `{split}_labels.npy` and `classes.json`.

    Raises:
        DatasetInvalid: if a file is missing, or arrays do not fit each other.
    """
    try:
        classes = tuple(json.loads((folder / "classes.json").read_text()))
        splits = {name: _load_split(folder, name, len(classes)) for name in SPLITS}
    except (OSError, ValueError) as error:
        raise DatasetInvalid(f"The pictures in {folder.name} cannot be read: {error}") from error
    return Dataset(folder, classes, MappingProxyType(splits))


def _load_split(folder: Path, name: str, classes: int) -> Split:
    images = np.load(folder / f"{name}_images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / f"{name}_labels.npy", allow_pickle=False).astype(np.int64)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 3:
        raise DatasetInvalid(f"The {name} pictures are {images.dtype} {images.shape}, not square uint8 RGB pictures.")
    if len(labels) != len(images) or not len(labels):
        raise DatasetInvalid(f"The {name} split has {len(images)} pictures and {len(labels)} labels.")
    if labels.min() < 0 or labels.max() >= classes:
        raise DatasetInvalid(f"The {name} labels are not within the {classes} classes.")
    return Split(images, labels)


def _resampled(folder: Path, name: str, split: Split, image_px: int) -> Split:
    """Return the split at another resolution, from the file where another trial made it before."""
    path = folder / f"{name}_images_{image_px}px.npy"
    if not path.exists():
        scratch = path.with_suffix(f".{os.getpid()}.npy")
        _write_resampled(split.images, image_px, scratch)
        scratch.replace(path)
    return Split(np.load(path, mmap_mode="r", allow_pickle=False), split.labels)


def _write_resampled(images: NDArray[np.uint8], image_px: int, path: Path) -> None:
    shape = (len(images), image_px, image_px, 3)
    smaller = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    method = Image.Resampling.BOX if image_px < images.shape[1] else Image.Resampling.BICUBIC
    for position, image in enumerate(images):
        smaller[position] = np.asarray(Image.fromarray(image).resize((image_px, image_px), method))
    smaller.flush()
