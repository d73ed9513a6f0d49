"""Near-identical pictures: bursts of one scene, which must not be learnt from and judged by at once.

Plain similarity of small thumbnails cannot tell twins: two handwritten threes on black are as alike as two photos of
one rice plant. So what the pictures of this dataset have in common is divided out first: thumbnails without their mean
colour are expressed in their own principal components, each scaled to the same spread (whitening). Strangers are then
nearly at right angles, and only pictures that share their details are alike.

Measured on 16 × 16 px thumbnails, with 64 components and a limit of 0.9 (looked at by eye):

    rice_leaf5      862 pictures   131 groups, 384 pictures, largest 11; no pair across classes
    sign_digits10  2,062 pictures    1 group,    2 pictures
    digits (8 × 8) 1,797 pictures   12 groups,  30 pictures, largest 6; no pair across classes
    digits, smoothly enlarged to 32 × 32: 29 groups, 73 pictures, largest 6

A limit on plain correlation that finds the bursts of rice_leaf5 (0.93) puts 1,329 of the 1,797 digits into groups of
up to 163.

Every pair is compared, a tile of them at a time in one matrix product: 20,000 pictures take 1.5 s of one processor and
50,000 take 5 s, which is less than decoding them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from marketplace.datasets.pictures import THUMB_PX

COMPONENTS = 64
COMPONENT_SHARE = 1e-3
"""Components that carry less of the variance are noise of JPEG and of rounding."""
PICTURES_PER_COMPONENT = 4
MIN_WHITENED = 0.9
MIN_PLAIN = 0.85
"""Twins must also look alike without whitening, which is coarse in small datasets."""
TILE = 2048
PAIRS_AT_ONCE = 8192

Thumbs = NDArray[np.uint8]
"""(pictures, 16, 16, 3)"""
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def thumbs_of(raw: bytes | bytearray) -> Thumbs:
    """Return thumbnails that were laid one after another as an array."""
    return np.frombuffer(raw, np.uint8).reshape(-1, THUMB_PX, THUMB_PX, 3)


def one_thread() -> AbstractContextManager[Any]:
    """Keep numpy's linear algebra to one thread, where the worker's threadpoolctl is there to do so.

    On two processors that are busy with other work its threads wait on each other: 10 s instead of 0.4 s.
    """
    try:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError:
        return nullcontext()
    return cast("AbstractContextManager[Any]", threadpool_limits(1))


def groups_of(thumbs: Thumbs, report: Callable[[int, int], None] = lambda done, total: None) -> Ints:
    """Return for each picture the position of the first picture of its group; alone, its own.

    Args:
        thumbs: small pictures.
        report: called with rows done and rows in all.
    """
    roots = np.arange(len(thumbs))
    if len(thumbs) < 2 * PICTURES_PER_COMPONENT:
        return roots
    with one_thread():
        points = _whitened(thumbs)
        for first in range(0, len(points), TILE):
            report(first, len(points))
            for rows, columns in _near(points, first):
                roots = _joined(roots, rows, columns, thumbs)
    return roots


def _plain(thumbs: Thumbs) -> Floats:
    """Return thumbnails as vectors of length 1, without their mean colour."""
    flat = thumbs.reshape(len(thumbs), THUMB_PX * THUMB_PX, 3).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    vectors = flat.reshape(len(thumbs), THUMB_PX * THUMB_PX * 3)
    return _unit(vectors)


def _unit(vectors: NDArray[np.floating]) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-3).astype(np.float32)


def _whitened(thumbs: Thumbs) -> Floats:
    """Return each thumbnail's direction among the dataset's own principal components, all of one spread."""
    return _whitened_few(thumbs) if len(thumbs) <= thumbs[0].size else _whitened_many(thumbs)


def _whitened_few(thumbs: Thumbs) -> Floats:
    """Do it by the products of pictures, of which there are fewer than pixels."""
    vectors = _plain(thumbs).astype(np.float64)
    vectors -= vectors.mean(axis=0)
    spreads, coordinates = np.linalg.eigh(vectors @ vectors.T)
    return _unit(coordinates[:, -_count(spreads, len(thumbs)) :])


def _whitened_many(thumbs: Thumbs) -> Floats:
    """Do it by the covariance of pixels, a tile of pictures at a time."""
    mean, covariance = _moments(thumbs)
    spreads, axes = np.linalg.eigh(covariance)
    count = _count(spreads, len(thumbs))
    scaled = (axes[:, -count:] / np.sqrt(np.maximum(spreads[-count:], 1e-12))).astype(np.float32)
    blocks = [_unit((_plain(thumbs[at : at + TILE]) - mean) @ scaled) for at in range(0, len(thumbs), TILE)]
    return np.concatenate(blocks)


def _count(spreads: NDArray[np.float64], pictures: int) -> int:
    """Return how many components count."""
    strong = int((spreads > COMPONENT_SHARE * spreads.sum()).sum())
    return max(1, min(COMPONENTS, pictures // PICTURES_PER_COMPONENT, strong))


def _moments(thumbs: Thumbs) -> tuple[Floats, NDArray[np.float64]]:
    width = thumbs[0].size
    total, squares = np.zeros(width), np.zeros((width, width))
    for at in range(0, len(thumbs), TILE):
        block = _plain(thumbs[at : at + TILE]).astype(np.float64)
        total += block.sum(axis=0)
        squares += block.T @ block
    mean = total / len(thumbs)
    return mean.astype(np.float32), squares / len(thumbs) - np.outer(mean, mean)


def _near(points: Floats, first: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield pairs (row, column) with row < column of one band of rows whose points are alike."""
    band = points[first : first + TILE]
    for at in range(first, len(points), TILE):
        rows, columns = np.nonzero(band @ points[at : at + TILE].T > MIN_WHITENED)
        rows, columns = rows + first, columns + at
        upper = rows < columns
        yield rows[upper], columns[upper]


def _joined(roots: Ints, rows: Ints, columns: Ints, thumbs: Thumbs) -> Ints:
    """Join the groups of pairs that also look alike plainly; pairs of one group already cost nothing."""
    for at in range(0, len(rows), PAIRS_AT_ONCE):
        left, right = rows[at : at + PAIRS_AT_ONCE], columns[at : at + PAIRS_AT_ONCE]
        apart = roots[left] != roots[right]
        left, right = left[apart], right[apart]
        alike = (_plain(thumbs[left]) * _plain(thumbs[right])).sum(axis=1) > MIN_PLAIN
        roots = _merged(roots, left[alike], right[alike])
    return roots


def _merged(roots: Ints, left: Ints, right: Ints) -> Ints:
    """Hook the higher root of each pair under the lower one until no pair is apart."""
    while True:
        one, other = roots[left], roots[right]
        apart = one != other
        if not apart.any():
            return roots
        np.minimum.at(roots, np.maximum(one, other)[apart], np.minimum(one, other)[apart])
        while not np.array_equal(roots[roots], roots):
            roots = roots[roots]
