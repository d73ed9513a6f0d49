"""Small real pictures for tests: every class has a colour and a shape of its own, every picture its own noise."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def picture(label: int, seed: int, side_px: int = 32) -> bytes:
    """Return a PNG that a network can tell from those of other labels within a few epochs."""
    random = np.random.default_rng((label, seed))
    pixels = random.integers(0, 90, (side_px, side_px, 3))
    band = slice(label * 5 % side_px, label * 5 % side_px + 10)
    pixels[band, :, label % 3] += 150
    pixels[:, random.integers(0, side_px - 4) :, (label + 1) % 3] += 30
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def zip_of_classes(target: Path, *, classes: int, pictures: int, side_px: int = 32) -> Path:
    """Write a ZIP of class folders class0, class1, … and return where it is."""
    with zipfile.ZipFile(target, "w") as archive:
        for label in range(classes):
            for number in range(pictures):
                archive.writestr(f"class{label}/{number:05d}.png", picture(label, number, side_px))
    return target
