"""Every family of networks: its published architectures and its space of choices. The only list of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from models.families import efficientnet_edgetpu, mobilenet_v2
from models.families.family import Family

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.name: family for family in (efficientnet_edgetpu.FAMILY, mobilenet_v2.FAMILY)}
)
"""The families by name."""

__all__ = ["FAMILIES", "Family"]
