"""The published model whose weights a run begins with, as it was when the run was ordered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from models.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Parent:
    """What a run needs to know of its parent, whatever becomes of the parent's listing."""

    release_id: int
    model: str
    """"owner/name"."""
    release: int
    revision: str
    licence: str
    """A key of `marketplace.catalog.licences.LICENCES`."""
    file_name: str
    """The file with the weights: checkpoint.keras, or a published .tflite; empty for an architecture only."""
    storage_key: str
    architecture: dict[str, Any]

    @property
    def tag(self) -> str:
        """Return "owner/name v2"."""
        return f"{self.model} v{self.release}"

    @property
    def network(self) -> Architecture:
        """Return the parent's architecture as a value."""
        return Architecture.from_json(self.architecture)

    def to_json(self) -> dict[str, Any]:
        """Return it as the run's column keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self | None:
        """Return what `to_json` wrote; None for a run without a parent."""
        return cls(**kept) if kept else None
