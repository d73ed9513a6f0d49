"""Archives to test with: real ZIPs of real pictures, and every way to break them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ("circle", "square")


def noise(seed: int, px: int = 24, mode: str = "RGB") -> Image.Image:
    """A picture that resembles no other: random colours."""
    pixels = np.random.default_rng(seed).integers(0, 256, (px, px, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def picture(seed: int, px: int = 24) -> bytes:
    return encoded(noise(seed, px))


def good_files(per_class: int = 12, classes: tuple[str, ...] = CLASSES, px: int = 24) -> dict[str, bytes]:
    return {
        f"{name}/{number:04}.png": picture(1000 * label + number, px)
        for label, name in enumerate(classes)
        for number in range(per_class)
    }


def zip_of(files: Mapping[str, bytes | None], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Pack files; None makes a folder."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, content in files.items():
            if content is None:
                archive.mkdir(name)
            else:
                archive.writestr(name, content)
    return sink.getvalue()


def good_zip(**options: Any) -> bytes:
    return zip_of(good_files(**options))
