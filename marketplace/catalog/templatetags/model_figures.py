"""Figures in words: an unknown one is a dash, never a zero."""

from __future__ import annotations

import math
from typing import Any

from django import template

from edgetpu.devices import DEVICES
from search.recipe import times_in_words

register = template.Library()
register.filter("times_in_words", times_in_words)
UNKNOWN = "—"
SHORT_MS = 0.1
SHORTEST_MS = 0.001


def _known(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


@register.filter
def percent(share: Any) -> str:
    """Return a share of 1 as per cent with one digit."""
    known = _known(share)
    return UNKNOWN if known is None else f"{known * 100:.1f} %"


@register.filter
def width(share: Any) -> str:
    """Return a share of 1 as a CSS length, at most the whole."""
    known = _known(share)
    return "0" if known is None else f"{min(max(known, 0), 1) * 100:.2f}%"


@register.filter
def milliseconds(duration_ms: Any) -> str:
    """Return a duration with three figures that count; in microseconds where it is very short."""
    known = _known(duration_ms)
    if known is None:
        return UNKNOWN
    if 0 < known < SHORT_MS:
        return f"{known * 1000:.0f} µs" if known >= SHORTEST_MS else "under 1 µs"
    digits = 0 if known >= 100 else 1 if known >= 10 else 2
    return f"{known:.{digits}f} ms"


@register.filter
def microseconds(duration_ms: Any) -> str:
    """Return milliseconds as whole microseconds without the unit, for columns that name it."""
    known = _known(duration_ms)
    if known is None:
        return UNKNOWN
    return f"{known * 1000:,.0f}" if known >= SHORTEST_MS or not known else "under 1"


@register.filter
def bytes_in_words(byte_count: Any) -> str:
    """Return bytes in the unit that fits, in steps of 1,024."""
    known = _known(byte_count)
    if known is None:
        return UNKNOWN
    if known < 1024:
        return f"{known:.0f} B"
    for unit, size in (("KiB", 2**10), ("MiB", 2**20)):
        if known < size * 1000 or unit == "MiB":
            return f"{known / size:.{0 if known >= 100 * size else 1}f} {unit}"
    return UNKNOWN


@register.filter
def exactly(figure: Any) -> str:
    """Return a number with all its digits, whole ones without a point."""
    known = _known(figure)
    return UNKNOWN if known is None else f"{known:.10g}"


@register.filter
def device_title(key: str) -> str:
    """Return a device's name for people."""
    return DEVICES[key].title if key in DEVICES else key or UNKNOWN
