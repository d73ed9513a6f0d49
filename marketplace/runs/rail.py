"""The steps of a run as a row of stations: behind, at work, ahead, left out or failed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.runs.models import Run

R = Run.Status
ORDER = (R.SEARCHING, R.QUANTIZING, R.COMPILING, R.VALIDATING, R.MEASURING, R.DONE)
TITLES = {
    R.SEARCHING: "Search",
    R.QUANTIZING: "Quantize",
    R.COMPILING: "Compile",
    R.VALIDATING: "Validate",
    R.MEASURING: "Measure",
    R.DONE: "Done",
}
LEFT_OUT = {R.COMPILING: ("compilation", "not_compiled"), R.MEASURING: ("measurement", "not_measured")}
"""The column of a run, and the state in it, that says that a step had no worker that can do it."""


@dataclass(frozen=True, slots=True)
class Station:
    """One step."""

    title: str
    state: str
    """done, now, todo, skipped or failed."""
    words: str
    """The state as a screen reader says it."""


WORDS = {"done": "done", "now": "in work", "todo": "to come", "skipped": "left out", "failed": "failed here"}


def stations_of(run: Run) -> list[Station]:
    """Return every step of a run with how it stands."""
    reached = _reached(run)
    stations = []
    for position, step in enumerate(ORDER):
        state = _state(run, step, position, reached)
        stations.append(Station(TITLES[step], state, WORDS[state]))
    return stations


def _reached(run: Run) -> int:
    """Return the position of the step that a run stands at, or at which it ended."""
    if run.status in ORDER:
        return ORDER.index(R(run.status))
    if run.status == R.QUEUED or run.best_trial_id is None:
        return 0
    results = (run.quantization, run.compilation, run.validation)
    return 1 + sum(bool(result) for result in results)


def _state(run: Run, step: str, position: int, reached: int) -> str:
    if R(step) in LEFT_OUT:
        column, state = LEFT_OUT[R(step)]
        if getattr(run, column).get("state") == state:
            return "skipped"
    if position < reached or run.status == R.DONE:
        return "done"
    if position > reached or run.status == R.QUEUED:
        return "todo"
    return "failed" if run.ended else "now"
