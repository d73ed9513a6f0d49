"""The layer's own name, out of what the converter made of it. Pure."""

from __future__ import annotations

import re

_COUNTED = re.compile(r"_\d+\Z")
WITHOUT_NAME = "without a name"
CONVERTERS = "tfl."
OUTPUT, OUTPUTS = "output", ("StatefulPartitionedCall", "PartitionedCall")
"""How the converter calls what comes out of the whole network."""


def layer_of(name: str) -> str:
    """Return the layer that a tensor of a converted file belongs to.

    "functional_1/odd_1/Elu;functional_1/…" is the layer odd. Keras calls a layer's second use odd_1, and a layer that
    its author called odd_1 comes out as odd_1_1, so one count is taken off where a network's name has one too.
    """
    first = name.split(";")[0].split("@")[0]
    parts = [part for part in first.split("/") if part]
    if not parts:
        return WITHOUT_NAME
    if len(parts) == 1:
        return OUTPUT if first.startswith(OUTPUTS) else first.removeprefix(CONVERTERS)
    counted = bool(_COUNTED.search(parts[0]))
    return _COUNTED.sub("", parts[1]) if counted else parts[1]
