"""What a search does where its order does not say: families, and the size of pictures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.backbones import BACKBONES
from models.families import FAMILIES, Family

IMAGE_PX = (32, 48, 64, 96, 128, 160, 192, 224)
"""Sides that pictures may have as networks see them."""
LARGEST_USUAL_PX, LARGEST_USUAL_TUNING_PX = 96, 128
"""Larger pictures are worth their training time only where somebody asks for them. Published weights, which need to see
half as many, gain by them (shared/design/SEARCH.md: 96 to 128 px on two sets)."""
USUAL_FAMILY = "efficientnet_edgetpu"
_TYPICAL_PX = 96


def suitable_px(sides_px: Sequence[int], *, pretrained: bool = False) -> int:
    """Return the side that suits pictures: the next one up from their shorter side, within reason.

    Published weights have learned from large pictures, so they begin with the largest reasonable size.
    """
    wanted = LARGEST_USUAL_TUNING_PX if pretrained else min(*sides_px, LARGEST_USUAL_PX)
    return next(side for side in IMAGE_PX if side >= wanted)


def searchable_families() -> Mapping[str, Family]:
    """Return the families that offer more than their published sizes."""
    return {name: family for name, family in FAMILIES.items() if len(family.choices(_TYPICAL_PX)) > 2}


def family_of_backbone(name: str) -> Family | None:
    """Return the family of published weights, which carry its name; None for weights that no search can begin with."""
    if name not in BACKBONES:
        return None
    return next((family for key, family in searchable_families().items() if key in name), None)


def families_for(backbone: str) -> list[str]:
    """Return the families of an order that names none: that of its published weights, else the usual one."""
    family = family_of_backbone(backbone)
    return [USUAL_FAMILY if family is None else family.name]
