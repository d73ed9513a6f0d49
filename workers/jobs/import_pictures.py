"""The pictures that an imported model is calibrated and judged with, at the size of its input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from marketplace.datasets.preparing import prepare
from marketplace.datasets.splitting import SPLITS

CALIBRATION_PICTURES = 160
"""As for networks trained here: benchmarks/RESULTS.md, search."""
MOST_JUDGED = 2000
"""With so many, the 95 % interval is at most 4.4 points wide; each takes milliseconds in each form."""

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Chosen pictures of a dataset, (pictures, height, width, channels)."""

    classes: tuple[str, ...]
    calibration: Pixels
    calibration_labels: Labels
    test: Pixels
    test_labels: Labels


def pictures_for(job: dict[str, Any], shape: tuple[int, int, int], folder: Path) -> Pictures | None:
    """Return a job's pictures, or None if it came without a dataset; training and test pictures do not mix."""
    if not job.get("archive"):
        return None
    manifest = json.loads(Path(job["manifest"]).read_text("utf-8"))
    chosen = folder / "manifest.json"
    chosen.write_text(json.dumps({**manifest, "pictures": _chosen(manifest["pictures"], int(job["seed"]))}), "utf-8")
    arrays = prepare(Path(job["archive"]), chosen, max(shape[:2]), folder / "pictures")
    images = {name: _fitted(np.load(arrays / f"{name}_images.npy", mmap_mode="r"), shape) for name in ("train", "test")}
    labels = {name: np.load(arrays / f"{name}_labels.npy") for name in ("train", "test")}
    return Pictures(tuple(manifest["classes"]), images["train"], labels["train"], images["test"], labels["test"])


def _chosen(pictures: Sequence[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Return calibration pictures, every class in its share, and test pictures; and one to validate, as it must be."""
    train, validation, test = ([one for one in pictures if one["split"] == at] for at in range(len(SPLITS)))
    random = np.random.default_rng(seed)
    order = sorted(random.permutation(len(train)), key=lambda at: train[at]["class"])
    spread = np.linspace(0, len(order) - 1, min(CALIBRATION_PICTURES, len(order))).astype(int)
    judged = np.sort(random.permutation(len(test))[:MOST_JUDGED])
    return [*(train[order[at]] for at in spread), *validation[:1], *(test[at] for at in judged)]


def _fitted(images: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Return square pictures in the height, width and colours of an input."""
    height, width, channels = shape
    if images.shape[1:] == shape:
        return np.asarray(images)
    fitted = np.empty((len(images), *shape), np.uint8)
    for at, image in enumerate(images):
        picture = Image.fromarray(image).resize((width, height), Image.Resampling.BOX)
        fitted[at] = np.asarray(picture.convert("L"))[..., None] if channels == 1 else np.asarray(picture)
    return fitted


def calibration_sha256(images: Pixels) -> str:
    """Return the SHA-256 of pictures' pixels."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()
