"""What an Edge TPU compiler said, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

LogKind = Literal["output", "operation log", "web compiler"]


@dataclass(frozen=True, slots=True)
class OperationLine:
    """One row of the table of operations."""

    kind: str
    count: int
    status: str
    """The compiler's own words."""

    @property
    def mapped(self) -> bool:
        """Whether these operations run on the chip."""
        return self.status == "Mapped to Edge TPU"


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """What was said about one model. Byte counts are as exact as the text: two decimals of a KiB or MiB."""

    input_model: str
    output_model: str
    operations: tuple[OperationLine, ...] = ()
    """The table of operations; empty where it was not asked for."""
    input_bytes: int | None = None
    output_bytes: int | None = None
    cached_bytes: int | None = None
    remaining_bytes: int | None = None
    streamed_bytes: int | None = None
    subgraphs: int | None = None
    operations_total: int | None = None
    operations_on_chip: int | None = None
    operations_on_cpu: int | None = None
    operation_log: str = ""

    @property
    def fully_mapped(self) -> bool | None:
        """Whether every operation runs on the chip; None where the text does not say."""
        if self.operations_on_cpu is not None:
            return self.operations_on_cpu == 0
        if self.operations:
            return all(line.mapped for line in self.operations)
        return None if self.subgraphs is None else self.subgraphs == 1


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a model, or one attempt at it, was refused."""

    kind: str
    """A short name for programs, such as "not quantized" or "internal error"."""
    sentence: str
    """What happened, the likely cause, and what to change."""
    quote: str
    """The compiler's own words."""


@dataclass(frozen=True, slots=True)
class CompileReport:
    """Everything that one run of the compiler said."""

    compiler_version: str
    kind: LogKind
    models: tuple[CompiledModel, ...]
    failures: tuple[Failure, ...] = ()
    duration_ms: int | None = None
    timer_s: int | None = None
    """The time limit that the compiler set itself."""
    segments_tried: tuple[int, ...] = ()
    """How many operations each attempt of the delegate search held."""
    intermediate_tensors: tuple[str, ...] = ()
    attempts: int = 1
    """How often it was run until it succeeded."""
    files: tuple[Path, ...] = ()
    """The compiled models, where the compiler was run here; one per model or segment."""

    @property
    def succeeded(self) -> bool:
        """Whether there is a compiled model for every one asked for."""
        return bool(self.models) and not self.failures

    def as_json(self) -> dict[str, Any]:
        """Return the object that `atoll log --json` prints."""
        return {"succeeded": self.succeeded, **asdict(self), "files": [str(file) for file in self.files]}
