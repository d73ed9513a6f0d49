"""Which of a parent's channels a narrower network keeps, and which mixtures of them it carries on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]


def keep_channels(activations: Floats, readers: Floats, count: int) -> Positions:
    """Return the positions of the channels that matter most: their spread times how strongly later layers read them.

    Args:
        activations: (rows, channels), on calibration pictures.
        readers: (channels,), the norm of the weights that read each.
        count: how many to keep; all are kept if there are fewer.
    """
    score = activations.std(axis=0) * readers
    return np.sort(np.argsort(-score, kind="stable")[:count])


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """What a stream of the child carries of a stream of the parent: child ≈ parent @ mixture."""

    mixture: Floats
    """(parent's channels, channels known to the child)."""
    recovery: Floats
    """(channels known, parent's channels): the parent's stream as well as it follows from the child's."""

    @property
    def known(self) -> int:
        """Number of the child's channels that follow the parent's; more than these are new."""
        return self.mixture.shape[1]


def carry_channels(stream: Floats, kept: Positions) -> Carried:
    """Return the stream of some channels, each as it is: what an activation or a depthwise filter needs."""
    mixture = np.zeros((stream.shape[1], len(kept)), np.float32)
    mixture[kept, np.arange(len(kept))] = 1
    return Carried(mixture, _recovery(stream, mixture))


def carry_mixtures(stream: Floats, reading: Floats, count: int, seed: int) -> Carried:
    """Return the mixtures of channels from which later layers' readings follow best.

    Between blocks nothing is activated, so a narrower stream may carry any linear mixture: the principal components
    of the stream as its readers weigh it. They are turned at random, so that all channels carry equally much and
    8 bits resolve each equally well.

    Args:
        stream: (rows, channels) of the parent.
        reading: (channels, channels), the sum of `kernel @ kernel.T` over the layers that read the stream.
        count: the child's channels; with as many as the parent's the stream is carried as it is.
        seed: of the turn.
    """
    channels = stream.shape[1]
    if count >= channels:
        return carry_channels(stream, np.arange(channels))
    centred = stream - stream.mean(axis=0)
    covariance = centred.T @ centred / len(centred)
    root = _root(reading / np.trace(reading) + 1e-3 * np.eye(channels) / channels)
    _, components = np.linalg.eigh(root @ covariance @ root)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(count, count)))
    mixture = root @ components[:, -count:] @ turn
    spread = np.sqrt(np.diag(mixture.T @ covariance @ mixture).mean())
    mixture *= np.sqrt(np.diag(covariance).mean()) / max(spread, 1e-12)
    return Carried(mixture.astype(np.float32), _recovery(stream, mixture))


def _recovery(stream: Floats, mixture: NDArray[np.floating]) -> Floats:
    centred = stream - stream.mean(axis=0)
    covariance = centred.T @ centred / len(centred)
    seen = mixture.T @ covariance @ mixture
    seen += 1e-4 * max(np.trace(seen) / len(seen), 1e-12) * np.eye(len(seen))
    found: Floats = np.linalg.solve(seen, mixture.T @ covariance).astype(np.float32)
    return found


def _root(matrix: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the symmetric root of a positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
