"""How a search on this machine looks in a terminal: a bar, what each process does, and the trials so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from edgetpu.devices import DEVICES
from search.choice import front_of
from search.problem import Goal
from search.trial import TrialRecord, TrialState
from workers.local_chip import is_measured

if TYPE_CHECKING:
    from workers.local import Found, OnChange, Standing

SHOWN = 10
"""So many trials are listed while a search goes on."""


class View:
    """Shows a search while it goes on; where nobody looks at a terminal, one line for each trial that ended."""

    def __init__(self, on_change: OnChange | None = None, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._told = on_change
        self._live = Live(console=self._console, refresh_per_second=4, transient=True) if self._looked_at else None
        self._printed: set[int] = set()

    @property
    def _looked_at(self) -> bool:
        return self._told is None and self._console.is_terminal

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def checking(self, report: Mapping[str, Any]) -> None:
        """Show what is done before the first trial, and how far it is."""
        if self._live:
            count = f" {report.get('done', 0)} of {report['total']}" if report.get("total") else ""
            self._live.update(Text(f"{report.get('phase', '')}{count} …"))

    def say(self, sentence: str) -> None:
        """Print a sentence that stays, unless somebody else shows the search."""
        if self._told is None:
            self._console.print(sentence, highlight=False, soft_wrap=True)

    def changed(self, standing: Standing) -> None:
        """Show how the search stands."""
        if self._told:
            self._told(standing)
        elif self._live:
            self._live.update(picture_of(standing))
        else:
            self._print_ended(standing)

    def _print_ended(self, standing: Standing) -> None:
        for record in standing.records:
            if record.number not in self._printed and record.state in (TrialState.DONE, TrialState.FAILED):
                self._printed.add(record.number)
                self._console.print(line_of(record), highlight=False, soft_wrap=True)


def picture_of(standing: Standing) -> Group:
    """Return the search as it stands, for a terminal."""
    ended = sum(record.state in (TrialState.DONE, TrialState.FAILED) for record in standing.records)
    best = standing.best
    head = Text(f"{ended} trials ended, {len(standing.doing)} in work, {_duration(standing.seconds)}")
    if best:
        head.append(f"; best so far {_percent(best.validation_accuracy)} int8, {best.latency_ms:.2f} ms estimated")
    left_s = seconds_left(standing)
    if left_s is not None:
        head.append(f"; about {_duration(left_s)} to the last trial's end")
    bars = [_bar(number, report) for number, report in sorted(standing.doing.items())]
    reasons = [
        Text(f"  trial {number}: {standing.reasons[number]}", style="dim")
        for number in sorted(standing.doing)
        if standing.reasons.get(number)
    ]
    return Group(head, *bars, *reasons, trials_table(standing.records[-SHOWN:], _marked(standing)))


def _marked(standing: Standing) -> set[int]:
    """Return the numbers of the trials that are best so far: along the front, or the one."""
    if standing.spec.objective == Goal.FRONT:
        return {record.number for record in front_of(standing.spec, standing.records)}
    return {standing.best.number} if standing.best else set()


def seconds_left(standing: Standing) -> float | None:
    """Return the seconds until the last trial ends, about: by the trials so far, or by the minutes if those end first;
    None while neither is known.
    """
    spec = standing.spec
    taken = [record.seconds for record in standing.records if record.finished_well and record.seconds is not None]
    waiting = spec.trials - len(standing.records)
    running = [float(report.get("eta_s") or 0.0) for report in standing.doing.values()]
    by_trials = None
    if taken:
        by_trials = (sum(running) + waiting * sum(taken) / len(taken)) / max(1, len(running))
    by_minutes = None if spec.minutes is None else max(0.0, 60 * spec.minutes - standing.seconds)
    known = [each for each in (by_trials, by_minutes) if each is not None]
    return min(known, default=None)


def _bar(number: int, report: Mapping[str, Any]) -> Table:
    row = Table.grid(padding=(0, 1))
    epoch, epochs = int(report.get("epoch") or 0), int(report.get("epochs") or 0)
    left = report.get("eta_s")
    row.add_row(
        f"  trial {number}",
        ProgressBar(total=max(1, epochs), completed=epoch, width=24),
        f"{report.get('phase', '')} {epoch} of {epochs} epochs" if epochs else str(report.get("phase", "")),
        f"about {_duration(left)} left" if left else "",
    )
    return row


def trials_table(records: Sequence[TrialRecord], marked: Collection[int] = ()) -> Table:
    """Return trials as a table: what was tried, how it came out; the best so far have a star."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    measured = any(record.measured_ms for record in records)
    names = ("trial", "int8", "float", "estimated ms", *(["measured ms"] if measured else []), "px", "blocks")
    for name in names:
        table.add_column(name, justify="right")
    for name in ("family", ""):
        table.add_column(name)
    for record in records:
        architecture = record.architecture
        table.add_row(
            f"{record.number}*" if record.number in marked else f"{record.number} ",
            _percent(record.validation_accuracy),
            _percent(record.float_accuracy),
            f"{record.latency_ms:.2f}" if record.latency_ms else "",
            *([f"{record.measured_ms:.2f}" if record.measured_ms else ""] if measured else []),
            str(architecture.image_px),
            str(len(architecture.blocks)),
            architecture.family,
            record.message or record.refused or ("" if record.state == TrialState.DONE else record.state.value),
        )
    return table


def line_of(record: TrialRecord) -> str:
    """Return a trial that has ended as one line."""
    if record.state == TrialState.FAILED:
        return f"trial {record.number} failed: {record.message}"
    measured = f", {record.measured_ms:.2f} ms measured" if record.measured_ms else ""
    line = (
        f"trial {record.number}: {_percent(record.validation_accuracy)} int8 on the validation split "
        f"({_percent(record.float_accuracy)} float), {record.latency_ms or 0:.2f} ms estimated{measured}, "
        f"{record.architecture.image_px} px, {record.seconds or 0:.0f} s"
    )
    return f"{line}; {record.refused}" if record.refused else line


def conclusion_of(found: Found) -> Group:
    """Return what a search found, for people."""
    int8, spec = found.result["validation"], found.spec
    low, high = int8["interval"]
    device = DEVICES[spec.device].title
    sentence = (
        f"Trial {found.best.number} is the best: {_percent(int8['int8_accuracy'])} of {int8['pictures']:,} test "
        f"pictures in int8 (95 of 100 such tests lie within {_percent(low)} and {_percent(high)}), "
        f"{_percent(int8['float_accuracy'])} in float; {found.best.latency_ms or 0:.2f} ms on a {device}, estimated, "
        f"of the {spec.latency_limit_ms:g} ms that were allowed."
    )
    ranked = sorted(found.records, key=lambda record: -(record.validation_accuracy or 0))
    longer = found.result["quantization"].get("final_training", {}).get("sentence", "")
    folder = found.files["model_int8.tflite"].parent
    words = (sentence, longer, *_proof(found), f"The files are in {folder}.")
    sentences = "\n".join(each for each in words if each)
    front = found.result.get("front", ())
    further: list[RenderableType] = ["", front_table(front)] if len(front) > 1 else []
    return Group(trials_table(ranked[:SHOWN]), "", sentences, *further)


def _proof(found: Found) -> tuple[str, str]:
    """Return what compiler and device of this machine said of the best network."""
    compilation, measurement = (found.result.get(name, {}) for name in ("compilation", "measurement"))
    compiled, measured = str(compilation.get("sentence", "")), str(measurement.get("sentence", ""))
    if is_measured(found.result):
        p50_ms, limit_ms = measurement["p50_ms"], found.spec.latency_limit_ms
        verdict = "within" if p50_ms <= limit_ms else "above"
        measured = f"{measured} {p50_ms:.2f} ms (median), {verdict} the limit of {limit_ms:g} ms."
    return compiled, measured


def front_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """Return the networks along the front, the fastest first, each judged on the test pictures once."""
    table = Table(box=None, padding=(0, 1), header_style="bold", title="The best at each latency", title_justify="left")
    measured = any(is_measured(result) for result in results)
    names = ("trial", "estimated ms", *(["measured ms"] if measured else []), "int8, test split", "95 of 100 within")
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("files", overflow="fold")
    for result in results:
        validation = result["validation"]
        low, high = validation["interval"]
        table.add_row(
            str(result["trial"]),
            f"{result['latency_ms']:.2f}",
            *([f"{result['measurement']['p50_ms']:.2f}" if is_measured(result) else ""] if measured else []),
            _percent(validation["int8_accuracy"]),
            f"{_percent(low)} to {_percent(high)}",
            str(Path(result["files"]["model_int8.tflite"]).parent),
        )
    return table


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
