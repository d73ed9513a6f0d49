"""The sides of pictures a space offers, and the strides that suit them."""

from __future__ import annotations

import math
from collections.abc import Sequence

_SMALLEST_INPUT_PX = 24


_PARTS = (0.5, 0.625, 0.75, 0.875)
"""Of the largest side: what published weights know is lost least by looking at smaller pictures, so steps are fine."""


def resolutions(image_px: int) -> tuple[int, ...]:
    """Return sides from a half to the whole of the largest one, in ascending order."""
    sides = sorted({_multiple_of_8(image_px * part) for part in _PARTS} | {image_px})
    return tuple(side for side in sides if side >= _SMALLEST_INPUT_PX or side == image_px)


def fitting_strides(image_px: int, strides: Sequence[int], *, given_up: Sequence[int], smallest_px: int) -> list[int]:
    """Return the strides with as few of them given up as leave a last feature map of a useful side.

    Args:
        image_px: side of the picture.
        strides: of the stem and of each stage.
        given_up: positions in `strides` that small pictures do without, the first one first.
        smallest_px: side of the last feature map below which a stride is given up.
    """
    fitting = list(strides)
    for position in given_up:
        if image_px / math.prod(fitting) < smallest_px:
            fitting[position] = 1
    return fitting


def _multiple_of_8(exact_px: float) -> int:
    return int(exact_px + 4) // 8 * 8
