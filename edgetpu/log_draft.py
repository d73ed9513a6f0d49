"""What a compiler's log has said so far, and whether that is the whole of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgetpu.compile_report import CompiledModel, CompileReport, Failure, LogKind, OperationLine
from edgetpu.errors import BadLog
from edgetpu.failures import explain


@dataclass
class ModelDraft:
    """One model, while its lines come in."""

    fields: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    rows: list[OperationLine] = field(default_factory=list)
    table: bool = False
    ended: bool = False
    """Whether the line was seen that ends a model's part where there is no table."""

    def finished(self) -> CompiledModel:
        """Return the model.

        Raises:
            BadLog: if lines are missing, or the numbers contradict each other.
        """
        numbers = dict(self.numbers)
        available = numbers.pop("available_bytes", None)
        if available is not None and "cached_bytes" in numbers:
            numbers.setdefault("remaining_bytes", max(available - numbers["cached_bytes"], 0))
        self._refuse_gaps()
        return CompiledModel(
            input_model=self.fields.get("input_model", ""),
            output_model=self.fields.get("output_model", ""),
            operations=tuple(self.rows),
            operation_log=self.fields.get("operation_log", ""),
            **numbers,
        )

    def _refuse_gaps(self) -> None:
        numbers = self.numbers
        total = numbers.get("operations_total")
        counted = sum(row.count for row in self.rows)
        if self.table and not self.rows:
            raise BadLog("The log is cut off: its table of operations is empty.")
        if total is not None and self.table and counted != total:
            raise BadLog(f"The log is cut off: its table holds {counted} of {total} operations.")
        if ("operations_on_chip" in numbers) != ("operations_on_cpu" in numbers):
            raise BadLog("The log is cut off: it does not say how many operations run on the CPU.")
        on_chip, on_cpu = numbers.get("operations_on_chip", 0), numbers.get("operations_on_cpu")
        if total is not None and on_cpu is not None and on_chip + on_cpu != total:
            raise BadLog(f"The log contradicts itself: {on_chip} + {on_cpu} operations are not {total}.")
        mapped = sum(row.count for row in self.rows if row.mapped)
        if on_cpu is not None and self.table and mapped != on_chip:
            raise BadLog(f"The log contradicts itself: {on_chip} operations are mapped, its table says {mapped}.")


REQUIRED_OUTPUT = (
    "input_bytes",
    "output_bytes",
    "cached_bytes",
    "streamed_bytes",
    "subgraphs",
    "operations_total",
)


@dataclass
class LogDraft:
    """A whole log, while its lines come in."""

    version: str = ""
    kind: LogKind = "output"
    timer_s: int | None = None
    duration_ms: int | None = None
    models: list[ModelDraft] = field(default_factory=list)
    several: bool = False
    """Whether more than one model was announced."""
    promised: bool = False
    """Whether success was announced and its first model has not come yet."""
    errors: list[str] = field(default_factory=list)
    """Error lines since the last conclusion."""
    failures: list[Failure] = field(default_factory=list)
    pending: Failure | None = None
    """The last attempt's failure: another attempt of the same search may make up for it."""
    running: bool = False
    """Whether an attempt was begun and not concluded."""
    segments_tried: list[int] = field(default_factory=list)
    intermediate_tensors: tuple[str, ...] = ()

    @property
    def model(self) -> ModelDraft:
        """The model that the lines are about.

        Raises:
            BadLog: if none was named yet.
        """
        if not self.models:
            raise BadLog("This is no whole compiler log: figures come before any model.")
        return self.models[-1]

    def conclude(self, *, succeeded: bool) -> None:
        """Take note of how an attempt ended."""
        self.pending = None if succeeded else explain(self.errors, self.timer_s)
        self.errors, self.running = [], False

    def next_search(self) -> None:
        """Take note that another segment's search begins: the last one's failure stands."""
        if self.pending is not None:
            self.failures.append(self.pending)
            self.pending = None

    def finished(self) -> CompileReport:
        """Return the report.

        Raises:
            BadLog: if the log was cut off.
        """
        if not self.version:
            raise BadLog("This is no whole compiler log: the line with the compiler's version is missing.")
        if self.running or self.promised:
            raise BadLog("The log is cut off: it does not say how the compilation ended.")
        if self.errors:
            self.conclude(succeeded=False)
        self.next_search()
        models = tuple(draft.finished() for draft in self.models)
        self._refuse_unfinished()
        return CompileReport(
            compiler_version=self.version,
            kind=self.kind,
            models=models,
            failures=tuple(self.failures),
            duration_ms=self.duration_ms,
            timer_s=self.timer_s,
            segments_tried=tuple(self.segments_tried),
            intermediate_tensors=self.intermediate_tensors,
        )

    def _refuse_unfinished(self) -> None:
        if not self.models and not self.failures:
            raise BadLog("The log is cut off: it tells of neither success nor failure.")
        if self.several and len(self.models) < 2:
            raise BadLog("The log is cut off: it announces several models and tells of one.")
        for draft in self.models:
            if self.kind == "output":
                missing = [name for name in REQUIRED_OUTPUT if name not in draft.numbers]
                if missing or not (draft.table or draft.ended):
                    raise BadLog("The log is cut off: the figures of a model are not all there.")
            elif not draft.table or "output_model" not in draft.fields:
                raise BadLog("The log is cut off: its table of operations is missing.")
