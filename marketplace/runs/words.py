"""Figures and architectures as people read them, each with its unit. Pure; what is not known becomes an empty text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from edgetpu.devices import DEVICES

_OUTPUT = re.compile(r"(?:Stateful)?PartitionedCall(?:_\d+)?(?::\d+)?")
"""What TensorFlow's converter calls the output of a network."""
_ADDITION = re.compile(r"(?:_relu|_norm)?(?:_\d+)?\Z")
KIB, MIB = 2**10, 2**20
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400

LIMITED_BY = {
    "compute": "arithmetic on the chip",
    "streaming": "sending parameters that do not fit on the chip",
    "transfer": "sending the picture and the instructions to the chip",
    "cpu": "operations that stay on the CPU",
    "overhead": "the fixed cost of every inference",
}


def as_number(value: Any) -> float | None:
    """Return a finite number as such, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < float("inf") else None


def bare_ms(value: Any) -> str:
    """Return milliseconds without the unit, in three digits: "0.52", "2.14", "130"."""
    ms = as_number(value)
    if ms is None:
        return ""
    return f"{ms:.2f}" if ms < 10 else f"{ms:.1f}" if ms < 100 else f"{ms:.0f}"


def milliseconds(value: Any) -> str:
    """Return "2.14 ms"."""
    bare = bare_ms(value)
    return f"{bare} ms" if bare else ""


def microseconds(value: Any) -> str:
    """Return milliseconds as whole microseconds, without the unit."""
    ms = as_number(value)
    return "" if ms is None else f"{1000 * ms:,.0f}"


def plain(value: Any) -> str:
    """Return a number as it was typed: "3", "2.5"."""
    number = as_number(value)
    return "" if number is None else f"{number:g}"


def percent(value: Any) -> str:
    """Return a share between 0 and 1 as "97.2 %"."""
    share = as_number(value)
    return "" if share is None else f"{100 * share:.1f} %"


def byte_count(value: Any) -> str:
    """Return "612 KiB", "7.1 MiB" or "44 bytes"."""
    number = as_number(value)
    if number is None:
        return ""
    if 0 < number < KIB:
        return f"{number:.0f} bytes"
    if number >= MIB:
        return f"{number / MIB:.1f} MiB"
    return f"{number / KIB:.0f} KiB" if number >= 10 * KIB else f"{number / KIB:.1f} KiB" if number else "0 KiB"


def duration(value: Any) -> str:
    """Return seconds as "45 s", "3 min 20 s" or "2 h 5 min"."""
    number = as_number(value)
    if number is None:
        return ""
    seconds = max(0, round(number))
    if seconds < MINUTE_S:
        return f"{seconds} s"
    if seconds < HOUR_S:
        minutes, rest = divmod(seconds, MINUTE_S)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, rest = divmod(seconds, HOUR_S)
    return f"{hours} h {rest // MINUTE_S} min"


def about(value: Any) -> str:
    """Return a duration that is only guessed, roughly: "under a minute", "about 4 minutes"."""
    seconds = as_number(value)
    if seconds is None:
        return ""
    if seconds < MINUTE_S:
        return "under a minute"
    minutes = round(seconds / MINUTE_S)
    if minutes < 90:
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    hours = round(seconds / HOUR_S)
    return f"about {hours} hours"


def million(value: Any) -> str:
    """Return a count of operations or parameters: "3.2 M", "410 k"."""
    number = as_number(value)
    if number is None:
        return ""
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number / 1e3:.0f} k" if number >= 1e3 else f"{number:.0f}"


def limited_by(part: Any) -> str:
    """Return what an inference spends most of its time on."""
    return LIMITED_BY.get(str(part), str(part or ""))


def layer_name(name: Any) -> str:
    """Return what TensorFlow's converter made of a layer's name, without its additions.

    "net_1/block1_expand_relu_1/Relu;net_1/block1_expand_norm_1/…" is the layer block1_expand.
    """
    parts = [each for each in str(name).split(";")[0].split("/") if not _OUTPUT.fullmatch(each)]
    return _ADDITION.sub("", parts[1]) if len(parts) > 2 else "/".join(parts) if parts else "output"


def device_title(key: str) -> str:
    """Return a device's name; the key itself where it is no longer known."""
    return DEVICES[key].title if key in DEVICES else key


def reason(proposal: Any) -> str:
    """Return why a network is tried, as far as it was written down."""
    found = proposal.get("reason") if isinstance(proposal, Mapping) else None
    return found if isinstance(found, str) else ""


def architecture(value: Mapping[str, Any]) -> str:
    """Return "6 blocks (2 fused), 24–96 channels, 64 px"; an empty text where nothing was proposed yet."""
    blocks = value.get("blocks")
    if not isinstance(blocks, list) or not blocks:
        return ""
    widths = [block.get("filters", 0) for block in blocks]
    fused = sum(block.get("kind") == "fused" for block in blocks)
    kinds = f" ({fused} fused)" if fused else ""
    span = f"{min(widths)}–{max(widths)}" if min(widths) != max(widths) else f"{widths[0]}"
    plural = "s" if len(blocks) > 1 else ""
    return f"{len(blocks)} block{plural}{kinds}, {span} channels, {value.get('image_px', '?')} px"
