"""An architecture that was tried, or is being tried. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from models.architecture import Architecture


class TrialState(StrEnum):
    """Where a trial is in its life."""

    PENDING = "pending"
    """Proposed; nobody trains it yet."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """What a search needs to know of one trial."""

    number: int
    """Counted from 1 in the order of proposals."""
    architecture: Architecture
    state: TrialState
    validation_accuracy: float | None = None
    """Of the int8 network, 0 to 1: what trials are ranked by."""
    float_accuracy: float | None = None
    """Of the float network on the same pictures."""
    latency_ms: float | None = None
    """As estimated when it was proposed."""
    onchip_bytes: int | None = None
    seconds: float | None = None
    """Wall time from start to end."""
    message: str = ""
    """Why it failed, as a sentence."""
    measured_ms: float | None = None
    """On a device of the kind that the search is for."""
    compiled_bytes: int | None = None
    """Of all parameters, as Coral's compiler says."""
    refused: str = ""
    """Why Coral's compiler does not bring the whole network onto the chip, as a sentence."""
    parent: int | None = None
    """Number of the trial that it begins with; None where it begins as the search does."""
    teacher: int | None = None
    """Number of the trial whose answers it learns; None where it learns the labels alone."""
    rung_accuracies: tuple[float, ...] = ()
    """Validation accuracy of the float network at the rung and, unless it was stopped there, at the end."""

    @property
    def finished_well(self) -> bool:
        """Whether there is an accuracy to learn from."""
        return self.state == TrialState.DONE and self.validation_accuracy is not None

    @property
    def stopped(self) -> bool:
        """Whether its training ended at the rung, because others promised more."""
        return self.finished_well and len(self.rung_accuracies) == 1

    def to_json(self) -> dict[str, Any]:
        """Return the trial as plain values that `from_json` takes."""
        return {**asdict(self), "state": self.state.value, "architecture": self.architecture.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrialRecord:
        """Return the trial that `to_json` wrote.

        Raises:
            ArchitectureInvalid: if its architecture cannot be read.
        """
        plain = dict(value)
        architecture = Architecture.from_json(plain.pop("architecture"))
        plain["rung_accuracies"] = tuple(plain.get("rung_accuracies", ()))
        return cls(architecture=architecture, state=TrialState(plain.pop("state")), **plain)
