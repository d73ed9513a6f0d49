"""Inception v3: 7×7 convolutions in two one-sided parts, without its auxiliary head.

Source: Szegedy et al. 2015; keras.applications.InceptionV3.
"""

from __future__ import annotations

from functools import partial

from models.architecture import Architecture
from models.families.drawing import Draw, Drawing, drawn
from models.families.only_published import only_published

NAME = "inception_v3"


def _begin(cell: Drawing) -> int:
    x = cell.convolve(cell.convolve(0, 32, 3, padding="valid"), 64, 3)
    x = cell.convolve(cell.max_pool(x, padding="valid"), 80)
    return cell.max_pool(cell.convolve(x, 192, 3, padding="valid"), padding="valid")


def _fine(cell: Drawing, pooled: int) -> int:
    double = cell.convolve(cell.convolve(cell.convolve(0, 64), 96, 3), 96, 3)
    return cell.join(
        cell.convolve(0, 64),
        cell.convolve(cell.convolve(0, 48), 64, 5),
        double,
        cell.convolve(cell.average_pool(0), pooled),
    )


def _first_shrink(cell: Drawing) -> int:
    deep = cell.convolve(cell.convolve(0, 64), 96, 3)
    return cell.join(
        cell.convolve(0, 384, 3, stride=2, padding="valid"),
        cell.convolve(deep, 96, 3, stride=2, padding="valid"),
        cell.max_pool(0, padding="valid"),
    )


def _middle(cell: Drawing, inner: int) -> int:
    once = cell.convolve(cell.convolve(cell.convolve(0, inner), inner, (1, 7)), 192, (7, 1))
    twice = cell.convolve(cell.convolve(cell.convolve(0, inner), inner, (7, 1)), inner, (1, 7))
    twice = cell.convolve(cell.convolve(twice, inner, (7, 1)), 192, (1, 7))
    return cell.join(cell.convolve(0, 192), once, twice, cell.convolve(cell.average_pool(0), 192))


def _second_shrink(cell: Drawing) -> int:
    deep = cell.convolve(cell.convolve(cell.convolve(0, 192), 192, (1, 7)), 192, (7, 1))
    return cell.join(
        cell.convolve(cell.convolve(0, 192), 320, 3, stride=2, padding="valid"),
        cell.convolve(deep, 192, 3, stride=2, padding="valid"),
        cell.max_pool(0, padding="valid"),
    )


def _coarse(cell: Drawing) -> int:
    once, twice = cell.convolve(0, 384), cell.convolve(cell.convolve(0, 448), 384, 3)
    ends = [cell.convolve(x, 384, kernel) for x in (once, twice) for kernel in ((1, 3), (3, 1))]
    return cell.join(cell.convolve(0, 320), *ends, cell.convolve(cell.average_pool(0), 192))


_CELLS: list[Draw] = [
    _begin,
    *(partial(_fine, pooled=pooled) for pooled in (32, 64, 64)),
    _first_shrink,
    *(partial(_middle, inner=inner) for inner in (128, 160, 160, 192)),
    _second_shrink,
    _coarse,
    _coarse,
]

FAMILY = only_published(
    NAME,
    "Inception v3",
    {"inception-v3": Architecture(NAME, 299, 32, drawn(_CELLS, 32), 0, stem_padding="valid")},
    smallest_px=112,
)
