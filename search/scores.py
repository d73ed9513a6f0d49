"""How good answers are, with the uncertainty that the number of pictures leaves. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
_Z_95 = 1.959964
"""Standard deviations on either side that hold 95 % of a normal distribution."""


def scores_of(labels: Labels, guesses: Labels, classes: int) -> dict[str, Any]:
    """Return accuracy with its 95 % interval, balanced accuracy, and each class's share of right answers.

    `confusion[i][j]` counts pictures of class i that were taken for class j; `recall` is None for a class without
    pictures, `precision` None for one that was never guessed.
    """
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (labels, guesses), 1)
    right, present, guessed = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    recall, precision = _shares(right, present), _shares(right, guessed)
    accuracy = float(right.sum() / len(labels))
    low, high = interval_95(int(right.sum()), len(labels))
    return {
        "accuracy": accuracy,
        "low_95": low,
        "high_95": high,
        "balanced_accuracy": float(np.mean([share for share in recall if share is not None])),
        "recall": recall,
        "precision": precision,
        "confusion": confusion.tolist(),
    }


def interval_95(right: int, count: int) -> tuple[float, float]:
    """Return the bounds that hold the true share in 95 of 100 cases (Wilson's interval)."""
    share, z2 = right / count, _Z_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z_95 / (1 + z2 / count) * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def clearly_worse(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> bool:
    """Say whether answers to the same pictures are right less often than chance explains: by two standard errors.

    Args:
        before: (pictures,), which answers were right.
        after: (pictures,), which are.
    """
    lost, gained = int((before & ~after).sum()), int((after & ~before).sum())
    return lost - gained > 2 * math.sqrt(lost + gained)


def agreement(one: Labels, other: Labels) -> float:
    """Return the share of pictures for which both give the same answer."""
    return float(np.mean(one == other))


def recall_changes(before: Mapping[str, Any], after: Mapping[str, Any], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return the classes whose recall is another one after than before, the largest loss first.

    Args:
        before: scores, as `scores_of` gives them.
        after: scores on the same pictures.
        classes: names in the order of the scores.
    """
    pairs = zip(classes, before["recall"], after["recall"], strict=True)
    changes = [
        {"name": name, "before": one, "after": other}
        for name, one, other in pairs
        if one is not None and other is not None and one != other
    ]
    return sorted(changes, key=lambda change: change["after"] - change["before"])


def _shares(right: Labels, count: Labels) -> list[float | None]:
    return [float(part / whole) if whole else None for part, whole in zip(right, count, strict=True)]
