"""How a pixel becomes the number that a network reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class PixelRange:
    """number = scale · pixel + offset, the pixel being 0 to 255."""

    key: str
    title: str
    """In words, for people who know how their network was trained."""
    scale: float
    offset: float

    @property
    def ends(self) -> tuple[float, float]:
        """What black and white become."""
        return self.offset, 255 * self.scale + self.offset


RANGES: Mapping[str, PixelRange] = MappingProxyType(
    {
        one.key: one
        for one in (
            PixelRange("raw", "the pixel as it is, 0 to 255", 1.0, 0.0),
            PixelRange("unit", "pixel / 255, so 0 to 1", 1 / 255, 0.0),
            PixelRange("signed", "pixel / 127.5 − 1, so −1 to 1", 1 / 127.5, -1.0),
            PixelRange("atoll", "(pixel − 127) / 128, as networks trained here", 1 / 128, -127 / 128),
        )
    }
)
"""What networks are usually trained with; the first is what Keras networks with a Rescaling layer of their own read."""


def stated_in_network(scale: float, offset: float) -> PixelRange:
    """Return the range that a network's own first layer states."""
    for known in RANGES.values():
        if abs(known.scale - scale) < 1e-6 and abs(known.offset - offset) < 1e-4:
            return known
    return PixelRange("own", f"{scale:.6g} · pixel {'−' if offset < 0 else '+'} {abs(offset):.6g}", scale, offset)
