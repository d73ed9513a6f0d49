"""Reading figures out of JSON columns that may lack any key: what is not there is None, never a guess."""

from __future__ import annotations

import math
from typing import Any


def part(mapping: Any, key: str) -> dict[str, Any]:
    """Return the object under a key, empty if there is none."""
    value = mapping.get(key) if isinstance(mapping, dict) else None
    return value if isinstance(value, dict) else {}


def items(mapping: Any, key: str) -> list[Any]:
    """Return the list under a key, empty if there is none."""
    value = mapping.get(key) if isinstance(mapping, dict) else None
    return value if isinstance(value, list) else []


def objects(mapping: Any, key: str) -> list[dict[str, Any]]:
    """Return the objects of the list under a key."""
    return [item for item in items(mapping, key) if isinstance(item, dict)]


def number(mapping: Any, key: str) -> float | None:
    """Return the finite number under a key."""
    value = mapping.get(key) if isinstance(mapping, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def whole(mapping: Any, key: str) -> int | None:
    """Return the whole number under a key."""
    value = number(mapping, key)
    return None if value is None else round(value)


def text(mapping: Any, key: str) -> str:
    """Return the text under a key, empty if there is none."""
    value = mapping.get(key) if isinstance(mapping, dict) else None
    return value if isinstance(value, str) else ""


def pair(mapping: Any, key: str) -> list[float] | None:
    """Return the two finite numbers under a key."""
    both = [number({"value": value}, "value") for value in items(mapping, key)]
    known = [value for value in both if value is not None]
    return known if len(known) == len(both) == 2 else None


def kib(byte_count: float | None) -> float | None:
    """Return bytes as KiB with one digit."""
    return None if byte_count is None else round(byte_count / 1024, 1)
