"""What is asked of a search. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any

from edgetpu.latency import DEVICES
from models.families import FAMILIES
from search.errors import SpecInvalid

DEFAULT_ONCHIP_BYTES = 7 * 2**20
"""What compilers 15 and 16 leave for parameters in nearly every log: 7.0–8.0 MiB."""


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """One search: the pictures, the limits that every proposed network holds, and how much may be tried."""

    classes: int
    image_px: int
    """Side of the dataset's pictures: the largest resolution that networks may have."""
    latency_limit_ms: float
    """Of one inference on the device, by estimate."""
    device: str
    """A key of `edgetpu.latency.DEVICES`."""
    onchip_limit_bytes: int = DEFAULT_ONCHIP_BYTES
    """Of parameters as the compiler pads them; all of them must stay on the chip."""
    trials: int = 8
    seed: int = 0
    max_ops: int | None = None
    """Most operations of the converted network; None for any number."""
    training_pictures: int = 1000
    trial_minutes: float = 1.0
    """Minutes of one processor core that the training of one network may take, by estimate."""
    family: str = "efficientnet_edgetpu"

    def __post_init__(self) -> None:
        """Refuse what no search can be run with."""
        problem = self._problem()
        if problem:
            raise SpecInvalid(problem)

    def _problem(self) -> str | None:
        if self.family not in FAMILIES:
            return f"There is no family {self.family!r}; there are {', '.join(FAMILIES)}."
        if self.device not in DEVICES:
            return f"There is no device {self.device!r}; there are {', '.join(DEVICES)}."
        if not (isfinite(self.latency_limit_ms) and self.latency_limit_ms > 0):
            return "The latency limit must be more than 0 ms."
        if not 2 <= self.classes <= 16_000:
            return f"A network needs 2 to 16,000 classes, the dataset has {self.classes}."
        if not 16 <= self.image_px <= 512:
            return f"The image side must be within 16 to 512 px, it is {self.image_px}."
        return self._amount_problem()

    def _amount_problem(self) -> str | None:
        amounts = {
            "on-chip limit": self.onchip_limit_bytes,
            "number of trials": self.trials,
            "number of training pictures": self.training_pictures,
            "number of minutes per trial": self.trial_minutes,
            "number of operations": 1 if self.max_ops is None else self.max_ops,
        }
        return next((f"The {name} must be more than 0." for name, amount in amounts.items() if not amount > 0), None)

    def to_json(self) -> dict[str, Any]:
        """Return the order as plain values that `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SearchSpec:
        """Return the order that `to_json` wrote.

        Raises:
            SpecInvalid: if a value is missing, unknown or out of range.
        """
        known = {each.name for each in fields(cls)}
        unknown = sorted(set(value) - known)
        if unknown:
            raise SpecInvalid(f"A search has no {', '.join(unknown)}.")
        try:
            return cls(**value)
        except TypeError as error:
            raise SpecInvalid(f"This search cannot be read: {error}.") from error
