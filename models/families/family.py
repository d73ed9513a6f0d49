"""What a family of networks offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.architecture import Architecture, Choice

Choices = Mapping[str, tuple[Choice, ...]]
"""The names of a space's choices, each with its values in ascending order of size."""


@dataclass(frozen=True, slots=True)
class Family:
    """Published architectures and a space of more of the same kind."""

    name: str
    title: str
    """What people call it."""
    published: Mapping[str, Architecture]
    choices: Callable[[int], Choices]
    """From the side of the largest picture in px to what can be chosen."""
    build: Callable[[Mapping[str, Choice]], Architecture]
    """From one value for each choice to the architecture."""
    shapes: tuple[Mapping[str, Choice], ...]
    """Values for all choices but resolution, width and head that are known to work: where a search starts."""


def round_filters(filters: int, width: float) -> int:
    """Return the channels at a width: a multiple of 8, never more than 10 % below the exact value.

    Source: `round_filters` of EfficientNet (tensorflow/tpu).
    """
    exact = filters * width
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded
