"""How a network that knows pictures already learns new ones: which layers change, and how fast each. Pure.

The head is fitted first, on features that are computed once. Then late layers learn faster than early ones; where the
network is the parent itself, the earliest stay as they are, because edges and colours are the same in all pictures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

STAGE_RATE = 0.5
"""Share of a stage's learning rate that the stage before it learns with."""


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Which mirrored pictures are still of their class."""

    across: bool = False
    """Left and right may be exchanged."""
    down: bool = False
    """Top and bottom may be exchanged."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a training changes, and how."""

    rates: Mapping[str, float]
    """Share of the learning rate by name of layer; layers that are not named stay as they are."""
    mirrors: Mirrors = Mirrors()
    norms_learn: bool = False
    """Whether normalizations follow the pictures, as they do from scratch; they must where much was rebuilt."""

    def to_text(self) -> str:
        """Return the values as text that `from_text` takes."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Tuning:
        """Return the tuning that `to_text` wrote."""
        value = json.loads(text)
        return cls(value["rates"], Mirrors(**value["mirrors"]), value["norms_learn"])


def rates_of(
    stages: Sequence[Sequence[str]], others: Sequence[str], *, kept: int, stage_rate: float = STAGE_RATE
) -> dict[str, float]:
    """Return the share of the learning rate for each layer that learns.

    Args:
        stages: names of layers with weights from first to last.
        others: names of the layers behind them, which learn at the full rate.
        kept: number of stages that stay as they are.
        stage_rate: share of a stage's rate that the one before it has.
    """
    shares = {name: stage_rate**behind for behind, names in enumerate(reversed(stages)) for name in names}
    still = {name for names in stages[:kept] for name in names}
    return {**{name: share for name, share in shares.items() if name not in still}, **dict.fromkeys(others, 1.0)}
