"""The sides of pictures a space offers, and the strides that suit them."""

from __future__ import annotations

import math
from collections.abc import Sequence

_SMALLEST_INPUT_PX = 24


def resolutions(image_px: int) -> tuple[int, ...]:
    """Return a half, three quarters and the whole of the largest side, in ascending order."""
    sides = sorted({_multiple_of_8(image_px * part) for part in (0.5, 0.75)} | {image_px})
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
