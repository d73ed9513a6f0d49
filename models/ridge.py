"""Linear maps fitted to pictures: the kernel of a convolution that makes its output follow a wanted one. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RIDGE = 1e-2
"""Share of the mean variance of the inputs that is added to each. Source: benchmarks/RESULTS.md, models, Inherit."""


def refit(inputs: Floats, wanted: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Return (kernel, bias) with `inputs @ kernel + bias` near `wanted`, and no farther from `start` than that needs.

    Where the pictures say little about a direction of the inputs, the kernel stays what it was.

    Args:
        inputs: (rows, channels in), as the convolution will really get them.
        wanted: (rows, channels out).
        start: (channels in, channels out), the kernel to begin with.
    """
    input_means, wanted_means = inputs.mean(axis=0), wanted.mean(axis=0)
    centred = inputs - input_means
    missing = wanted - wanted_means - centred @ start
    square = centred.T @ centred
    ridge = RIDGE * np.trace(square) / len(square) + np.finfo(np.float32).tiny
    kernel = start + np.linalg.solve(square + ridge * np.eye(len(square), dtype=np.float32), centred.T @ missing)
    return kernel.astype(np.float32), (wanted_means - input_means @ kernel).astype(np.float32)


def refit_depthwise(patches: Floats, wanted: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Return (kernel, bias) of a depthwise convolution, each channel fitted by itself as `refit` does.

    Args:
        patches: (rows, taps, channels), what the filter sees at each place.
        wanted: (rows, channels).
        start: (taps, channels).
    """
    patch_means, wanted_means = patches.mean(axis=0), wanted.mean(axis=0)
    centred = np.ascontiguousarray((patches - patch_means).transpose(2, 0, 1))
    missing = (wanted - wanted_means).T - np.einsum("crt,tc->cr", centred, start)
    squares = np.matmul(centred.transpose(0, 2, 1), centred)
    ridges = RIDGE * np.trace(squares, axis1=1, axis2=2) / squares.shape[1] + np.finfo(np.float32).tiny
    squares += ridges[:, None, None] * np.eye(squares.shape[1], dtype=np.float32)
    change = np.linalg.solve(squares, np.einsum("crt,cr->ct", centred, missing)[..., None])[..., 0]
    kernel = (start + change.T).astype(np.float32)
    return kernel, (wanted_means - (patch_means * kernel).sum(axis=0)).astype(np.float32)
