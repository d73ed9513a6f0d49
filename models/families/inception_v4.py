"""Inception v4: a branching stem, then more and more uniform modules of three kinds.

Source: Szegedy et al. 2016; tensorflow/models, research/slim/nets/inception_v4.py.
"""

from __future__ import annotations

from models.architecture import Architecture
from models.families.drawing import Draw, Drawing, drawn
from models.families.only_published import only_published

NAME = "inception_v4"


def _begin(cell: Drawing) -> int:
    x = cell.convolve(cell.convolve(0, 32, 3, padding="valid"), 64, 3)
    return cell.join(cell.max_pool(x, padding="valid"), cell.convolve(x, 96, 3, stride=2, padding="valid"))


def _widen(cell: Drawing) -> int:
    deep = cell.convolve(cell.convolve(cell.convolve(0, 64), 64, (1, 7)), 64, (7, 1))
    return cell.join(
        cell.convolve(cell.convolve(0, 64), 96, 3, padding="valid"), cell.convolve(deep, 96, 3, padding="valid")
    )


def _end_stem(cell: Drawing) -> int:
    return cell.join(cell.convolve(0, 192, 3, stride=2, padding="valid"), cell.max_pool(0, padding="valid"))


def _fine(cell: Drawing) -> int:
    return cell.join(
        cell.convolve(0, 96),
        cell.convolve(cell.convolve(0, 64), 96, 3),
        cell.convolve(cell.convolve(cell.convolve(0, 64), 96, 3), 96, 3),
        cell.convolve(cell.average_pool(0), 96),
    )


def _first_shrink(cell: Drawing) -> int:
    deep = cell.convolve(cell.convolve(0, 192), 224, 3)
    return cell.join(
        cell.convolve(0, 384, 3, stride=2, padding="valid"),
        cell.convolve(deep, 256, 3, stride=2, padding="valid"),
        cell.max_pool(0, padding="valid"),
    )


def _middle(cell: Drawing) -> int:
    once = cell.convolve(cell.convolve(cell.convolve(0, 192), 224, (1, 7)), 256, (7, 1))
    twice = cell.convolve(cell.convolve(cell.convolve(0, 192), 192, (7, 1)), 224, (1, 7))
    twice = cell.convolve(cell.convolve(twice, 224, (7, 1)), 256, (1, 7))
    return cell.join(cell.convolve(0, 384), once, twice, cell.convolve(cell.average_pool(0), 128))


def _second_shrink(cell: Drawing) -> int:
    deep = cell.convolve(cell.convolve(cell.convolve(0, 256), 256, (1, 7)), 320, (7, 1))
    return cell.join(
        cell.convolve(cell.convolve(0, 192), 192, 3, stride=2, padding="valid"),
        cell.convolve(deep, 320, 3, stride=2, padding="valid"),
        cell.max_pool(0, padding="valid"),
    )


def _coarse(cell: Drawing) -> int:
    once = cell.convolve(0, 384)
    twice = cell.convolve(cell.convolve(cell.convolve(0, 384), 448, (3, 1)), 512, (1, 3))
    ends = [cell.convolve(x, 256, kernel) for x in (once, twice) for kernel in ((1, 3), (3, 1))]
    return cell.join(cell.convolve(0, 256), *ends, cell.convolve(cell.average_pool(0), 256))


_CELLS: list[Draw] = [
    *(_begin, _widen, _end_stem),
    *(_fine,) * 4,
    _first_shrink,
    *(_middle,) * 7,
    _second_shrink,
    *(_coarse,) * 3,
]

FAMILY = only_published(
    NAME,
    "Inception v4",
    {"inception-v4": Architecture(NAME, 299, 32, drawn(_CELLS, 32), 0, stem_padding="valid")},
    smallest_px=112,
)
