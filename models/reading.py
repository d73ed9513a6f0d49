"""Plain values out of JSON, checked before anything is made of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def typed(value: Mapping[str, Any], types: Mapping[str, type]) -> dict[str, Any]:
    """Return the values if each is known and of its type.

    Raises:
        ValueError: naming the value that is not.
    """
    for name, part in value.items():
        if name not in types:
            raise ValueError(f"{name!r} is unknown")
        if type(part) is not types[name]:
            raise ValueError(f"{name} is {part!r}, it must be of type {types[name].__name__}")
    return dict(value)
