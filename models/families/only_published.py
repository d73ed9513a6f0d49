"""Families whose space is their published networks, at any resolution that they can be built for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from models.architecture import Architecture, Choice
from models.families.family import Choices, Family
from models.families.resolution import resolutions

NETWORK = "network"
"""The choice that names a published network."""


def only_published(name: str, title: str, published: Mapping[str, Architecture], *, smallest_px: int) -> Family:
    """Return a family that offers its published networks as they are.

    Args:
        name: of the family.
        title: what people call it.
        published: by name, the smallest network first.
        smallest_px: side of the smallest picture that leaves a last feature map of 2 px.
    """
    names: tuple[Choice, ...] = tuple(published)

    def choices(image_px: int) -> Choices:
        sides = tuple(side for side in resolutions(image_px) if side >= smallest_px)
        return {"resolution": sides or (smallest_px,), NETWORK: names}

    def build(chosen: Mapping[str, Choice]) -> Architecture:
        network = published[str(chosen[NETWORK])]
        return replace(network, image_px=int(chosen["resolution"]), choices=dict(chosen))

    return Family(name, title, MappingProxyType(dict(published)), choices, build, (MappingProxyType({}),))
