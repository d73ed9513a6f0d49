"""The sides of pictures a space offers, and the strides that suit them."""

from __future__ import annotations

import math
from collections.abc import Sequence

_SMALLEST_INPUT_PX = 24
_STEP_PART = 1 / 16
"""Of the largest side, or 8 px: what published weights know is lost least by looking at smaller pictures, so steps are
fine; and networks that differ in nothing else tell how they should learn."""


def resolutions(image_px: int) -> tuple[int, ...]:
    """Return sides from a half to the whole of the largest one, in ascending order."""
    step = max(8, _multiple_of_8(image_px * _STEP_PART))
    smallest = max(_SMALLEST_INPUT_PX, _multiple_of_8(image_px / 2))
    return tuple(sorted({image_px, *range(image_px // 8 * 8, smallest - 1, -step)}))


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
