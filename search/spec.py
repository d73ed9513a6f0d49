"""What is asked of a search. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any

from edgetpu.latency import DEVICES
from models.backbones import BACKBONES
from models.families import FAMILIES
from search.errors import SpecInvalid
from search.problem import Goal

DEFAULT_ONCHIP_BYTES = 7 * 2**20
"""What compilers 15 and 16 leave for parameters in nearly every log: 7.0–8.0 MiB."""


TRIALS_IN_TIME = 3
"""A search of some minutes has room for so many of the longest trainings; most are shorter, half stop at the rung."""
_USUAL_TRIAL_MINUTES = 1.0
_USUAL_TUNING_MINUTES = 3.0
"""With published weights: MobileNet v2 at full width learns small sets in 2 to 3 (shared/design/SEARCH.md)."""


def longest_trial_minutes(minutes: float, processes: int) -> float:
    """Return the most that one training may take in a search of so many minutes.

    Args:
        minutes: of the whole search.
        processes: trainings at the same time.
    """
    return max(1.0, minutes * processes / TRIALS_IN_TIME)


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
    file_limit_bytes: int | None = None
    """Of the int8 file, by estimate (`models.file_size`); None for any size."""
    training_pictures: int = 1000
    trial_minutes: float | None = None
    """Minutes of one processor core that the training of one network may take, by estimate; None: `room_minutes`."""
    families: tuple[str, ...] = ("efficientnet_edgetpu",)
    """Keys of `models.families.FAMILIES`; networks of all of them are compared."""
    backbone: str = ""
    """A key of `models.backbones.BACKBONES` whose weights networks begin with; empty: from scratch."""
    objective: str = Goal.TARGET
    """`target`: the most accurate network within the limits; `front`: the best for every latency up to the limit."""
    minutes: float | None = None
    """No further trial starts after so many minutes; None for any time."""
    from_trials: bool = True
    """Whether networks of a search from scratch begin with what finished trials have learned (`search.parents`)."""
    min_gain: float | None = None
    """No further trial starts when less than this gain in accuracy (0 to 1) is expected of it; None for never."""

    def __post_init__(self) -> None:
        """Refuse what no search can be run with."""
        object.__setattr__(self, "families", tuple(self.families))
        problem = self._problem()
        if problem:
            raise SpecInvalid(problem)

    def _problem(self) -> str | None:
        named = self._name_problem()
        if named:
            return named
        if self.device not in DEVICES:
            return f"There is no device {self.device!r}; there are {', '.join(DEVICES)}."
        if not (isfinite(self.latency_limit_ms) and self.latency_limit_ms > 0):
            return "The latency limit must be more than 0 ms."
        if not 2 <= self.classes <= 16_000:
            return f"A network needs 2 to 16,000 classes, the dataset has {self.classes}."
        if not 16 <= self.image_px <= 512:
            return f"The image side must be within 16 to 512 px, it is {self.image_px}."
        return self._amount_problem()

    def _name_problem(self) -> str | None:
        strange = [name for name in self.families if name not in FAMILIES]
        if strange:
            return f"There is no family {strange[0]!r}; there are {', '.join(FAMILIES)}."
        if not self.families or len(set(self.families)) < len(self.families):
            return "A search needs at least one family, and each of them once."
        if self.backbone and self.backbone not in BACKBONES:
            return f"There are no published weights {self.backbone!r}; there are {', '.join(BACKBONES)}."
        if self.objective not in list(Goal):
            return f"A search looks for one of {', '.join(Goal)}, not for {self.objective!r}."
        return None

    def _amount_problem(self) -> str | None:
        amounts = {
            "on-chip limit": self.onchip_limit_bytes,
            "number of trials": self.trials,
            "number of training pictures": self.training_pictures,
            "number of minutes per trial": 1 if self.trial_minutes is None else self.trial_minutes,
            "number of minutes": 1 if self.minutes is None else self.minutes,
            "file limit": 1 if self.file_limit_bytes is None else self.file_limit_bytes,
            "number of operations": 1 if self.max_ops is None else self.max_ops,
            "least gain": 1 if self.min_gain is None else self.min_gain,
        }
        return next((f"The {name} must be more than 0." for name, amount in amounts.items() if not amount > 0), None)

    @property
    def room_minutes(self) -> float:
        """Minutes of one processor core for one training: as said, else a part of the search's minutes.

        A search without a time gives every trial a minute, or three with published weights. That is what limits
        networks for small pictures then, well before a latency of 2 or 3 ms does: who has the time says so, and gets
        larger networks.
        """
        if self.trial_minutes is not None:
            return self.trial_minutes
        usual = _USUAL_TUNING_MINUTES if self.backbone else _USUAL_TRIAL_MINUTES
        return usual if self.minutes is None else longest_trial_minutes(self.minutes, processes=1)

    def to_json(self) -> dict[str, Any]:
        """Return the order as plain values that `from_json` takes."""
        return {**asdict(self), "families": list(self.families), "objective": str(self.objective)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SearchSpec:
        """Return the order that `to_json` wrote.

        Raises:
            SpecInvalid: if a value is missing, unknown or out of range.
        """
        value = dict(value)
        if "family" in value:  # as orders of before there were several were written
            value.setdefault("families", (value.pop("family"),))
        known = {each.name for each in fields(cls)}
        unknown = sorted(set(value) - known)
        if unknown:
            raise SpecInvalid(f"A search has no {', '.join(unknown)}.")
        try:
            return cls(**value)
        except TypeError as error:
            raise SpecInvalid(f"This search cannot be read: {error}.") from error
