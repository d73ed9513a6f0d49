"""The contact sheet: a few pictures of every class in one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageOps

THUMB_PX = 96
COLUMNS = 8
MAX_ROWS = 20


def rows_for(labels: Sequence[int]) -> list[list[int]]:
    """Return the positions of up to 8 pictures, spread over each of the first 20 classes."""
    by_class: dict[int, list[int]] = {}
    for position, label in enumerate(labels):
        if label < MAX_ROWS:
            by_class.setdefault(label, []).append(position)
    return [_spread(by_class[label]) for label in sorted(by_class)]


def write_sheet(rows: Sequence[Sequence[int]], picture_at: Callable[[int], Image.Image], path: Path) -> Path:
    """Write the sheet: each class a row of 96 px thumbnails, cut to squares in the middle."""
    sheet = Image.new("RGB", (COLUMNS * THUMB_PX, len(rows) * THUMB_PX), "white")
    for down, row in enumerate(rows):
        for across, position in enumerate(row):
            thumb = ImageOps.fit(picture_at(position), (THUMB_PX, THUMB_PX), Image.Resampling.BILINEAR)
            sheet.paste(thumb, (across * THUMB_PX, down * THUMB_PX))
    sheet.save(path, "JPEG", quality=82)
    return path


def _spread(positions: list[int]) -> list[int]:
    step = max(1, len(positions) // COLUMNS)
    return positions[::step][:COLUMNS]
