"""Every family of networks: its published architectures and its space of choices. The only list of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from models.families import (
    efficientnet_edgetpu,
    efficientnet_lite,
    inception_v1,
    inception_v2,
    inception_v3,
    inception_v4,
    mobilenet_edgetpu,
    mobilenet_edgetpu_v2,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    resnet,
    squeezenet,
)
from models.families.family import Family

_MODULES = (
    efficientnet_edgetpu,
    mobilenet_v2,
    mobilenet_edgetpu_v2,
    mobilenet_edgetpu,
    efficientnet_lite,
    mobilenet_v1,
    mobilenet_v3,
    inception_v1,
    inception_v2,
    inception_v3,
    inception_v4,
    resnet,
    squeezenet,
)

FAMILIES: Mapping[str, Family] = MappingProxyType({module.FAMILY.name: module.FAMILY for module in _MODULES})
"""The families by name; those with a space of their own come first."""

__all__ = ["FAMILIES", "Family"]
