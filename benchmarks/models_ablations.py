"""Inheriting with a part left out, for as long as the block of a `with` lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from models import heir, succession
from models.channel_choice import carry_channels, keep_channels


@contextmanager
def no_mixtures() -> Iterator[None]:
    """Let streams carry channels as they are."""
    with mock.patch.object(succession, "carry_mixtures", _carry):
        yield


@contextmanager
def no_refit() -> Iterator[None]:
    """Cut kernels out too, and give each output the parent's mean and spread, as a batch norm would."""
    with no_mixtures(), mock.patch.multiple(heir, refit=_cut, refit_depthwise=_cut_depthwise):
        yield


def _carry(stream: np.ndarray, reading: np.ndarray, count: int, seed: int) -> Any:
    del seed
    return carry_channels(stream, keep_channels(stream, np.sqrt(np.diag(reading)), count))


def _cut(inputs: np.ndarray, wanted: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    factor, bias = _matched(inputs @ start, wanted)
    return (start * factor).astype(np.float32), bias


def _cut_depthwise(patches: np.ndarray, wanted: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    factor, bias = _matched(np.einsum("rtc,tc->rc", patches, start), wanted)
    return (start * factor).astype(np.float32), bias


def _matched(outputs: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    factor = wanted.std(axis=0) / np.maximum(outputs.std(axis=0), 1e-6)
    return factor, (wanted.mean(axis=0) - outputs.mean(axis=0) * factor).astype(np.float32)
