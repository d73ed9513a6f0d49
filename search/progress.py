"""What a trial tells about itself while it runs. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a trial is."""

    step: str
    """What is being done: "training", "quantizing" or "judging"."""
    epoch: int = 0
    """Finished epochs."""
    epochs: int = 0
    train_accuracy: float | None = None
    """Share of augmented training pictures that the last epoch got right while it learned."""
    validation_accuracy: float | None = None
    """Share of validation pictures that the float network gets right after the last epoch."""
    eta_seconds: float | None = None
    """Expected seconds until the trial ends; None while nothing was timed."""

    def to_json(self) -> dict[str, Any]:
        """Return the progress as plain values."""
        return asdict(self)


OnProgress = Callable[[Progress], None]
"""Called at the start and after every epoch and step; what it raises ends the trial."""


def ignore(progress: Progress) -> None:
    """Take no notice of a progress."""
