"""Refuse limits that no network holds, at once and with the nearest values that one can hold. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgetpu.latency import DEVICES
from models.architecture import Architecture
from search.cost import cost_of
from search.errors import LimitImpossible
from search.space import Limits, holds_limits, limits_of, room_seconds, worst_ratio
from search.spaces import Spaces
from search.spec import SearchSpec

_LOOKED_AT = 48
"""Random networks, made smaller until they hold the limits, that are looked at before the limits are refused."""


def check_spec(spec: SearchSpec) -> None:
    """Refuse limits that no network of the space holds.

    Raises:
        LimitImpossible: naming the nearest possible value.
    """
    limits = limits_of(spec)
    _check_each(spec, limits)
    if holds_limits(spec, limits.safest):
        return
    spaces = Spaces(spec)
    if not len(spaces.sample(np.random.default_rng(spec.seed), _LOOKED_AT)):
        nearest = _nearest(spec, limits)
        wanted = " and ".join(_exceeded(spec, nearest))
        raise LimitImpossible(
            "Each limit could be held, but no network that was found holds all of them at once. The nearest one needs "
            f"{wanted}: allow at least that."
        )


def _check_each(spec: SearchSpec, limits: Limits) -> None:
    """Refuse a limit that nothing holds, whatever the others are."""
    if limits.fastest_ms > spec.latency_limit_ms:
        raise LimitImpossible(
            f"No network of this space takes {spec.latency_limit_ms:g} ms or less on a {DEVICES[spec.device].title}: "
            f"the fastest for {spec.image_px} px pictures and {spec.classes} classes takes about "
            f"{_up(limits.fastest_ms, 2)} ms. Allow at least that, or choose another device."
        )
    if limits.fewest_onchip_bytes > spec.onchip_limit_bytes:
        raise LimitImpossible(
            f"No network of this space fits into {spec.onchip_limit_bytes / 1024:.1f} KiB of on-chip memory: the "
            f"smallest for {spec.classes} classes takes {_up(limits.fewest_onchip_bytes / 1024, 1)} KiB. "
            f"Allow at least that.",
            "onchip_limit_bytes",
        )
    if spec.max_ops is not None and limits.fewest_ops > spec.max_ops:
        raise LimitImpossible(
            f"No network of this space has {spec.max_ops} operations or fewer: the shallowest has {limits.fewest_ops}.",
            "max_ops",
        )
    if spec.file_limit_bytes is not None and limits.fewest_file_bytes > spec.file_limit_bytes:
        raise LimitImpossible(
            f"No network of this space makes a file of {spec.file_limit_bytes / 1000:.1f} kB or less: the smallest for "
            f"{spec.classes} classes is about {_up(limits.fewest_file_bytes / 1000, 1)} kB. Allow at least that.",
            "file_limit_bytes",
        )


def _nearest(spec: SearchSpec, limits: Limits) -> Architecture:
    """Return the network that exceeds the limits least."""
    return min((limits.safest, limits.fastest), key=lambda each: worst_ratio(spec, cost_of(spec, each)))


def _exceeded(spec: SearchSpec, network: Architecture) -> Iterator[str]:
    """Yield what a network needs of every limit that it does not hold."""
    cost = cost_of(spec, network)
    if cost.latency_ms > spec.latency_limit_ms:
        yield f"{_up(cost.latency_ms, 2)} ms"
    if cost.parameter_bytes > spec.onchip_limit_bytes:
        yield f"{_up(cost.parameter_bytes / 1024, 1)} KiB of on-chip memory"
    if spec.max_ops is not None and cost.ops > spec.max_ops:
        yield f"{cost.ops} operations"
    if spec.file_limit_bytes is not None and cost.file_bytes > spec.file_limit_bytes:
        yield f"a file of about {_up(cost.file_bytes / 1000, 1)} kB"
    if cost.training_seconds > room_seconds(spec):
        yield f"{_up(cost.training_seconds / 60, 1)} minutes for its training"


def _up(value: float, digits: int) -> str:
    """Return the value rounded up: what is named must be possible."""
    return f"{np.ceil(value * 10**digits) / 10**digits:.{digits}f}"
