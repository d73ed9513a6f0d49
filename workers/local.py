"""A search without the site: the same jobs in the same processes, with a folder in place of the database's rows.

A second call with the same folder goes on where the first was stopped, however it was stopped (`workers.local_folder`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from marketplace.errors import LeaseLost
from search.choice import best_of, some_of_front
from search.errors import SearchError
from search.minutes import in_the_time_left
from search.problem import Goal
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState
from workers.errors import JobBroken, StepFailed
from workers.job_process import JobProcess, Report
from workers.local_chip import LocalChip
from workers.local_files import LocalFiles
from workers.local_folder import KeptTrial, claim, keep_trial, kept_trials, start_of, trial_folder
from workers.local_pictures import Pictures

DEADLINE_S = 24 * 3600.0
MOST_TRIES = 3
"""A training whose process dies so often fails its trial."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a search stands: what a terminal shows while it goes on."""

    spec: SearchSpec
    records: Sequence[TrialRecord]
    doing: Mapping[int, Mapping[str, Any]]
    """The latest report of each running trial, by its number."""
    reasons: Mapping[int, str]
    """Why each trial was chosen."""
    seconds: float
    """Since this call began."""

    @property
    def best(self) -> TrialRecord | None:
        """The trial that is worth most so far."""
        return best_of(self.spec, self.records)


OnChange = Callable[[Standing], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found; `result` is what OUT/best/result.json holds."""

    spec: SearchSpec
    records: Sequence[TrialRecord]
    best: TrialRecord
    files: Mapping[str, Path]
    result: Mapping[str, Any]


@dataclass
class LocalSearch:
    """A search in a folder of this machine.

    Args:
        spec: what is asked.
        pictures: the dataset, checked.
        out_dir: where everything is kept.
        processes: trainings at the same time, one thread each.
        parent: the file whose weights networks start from; None for none.
        chip: Coral's compiler and the Edge TPU of this machine: what they say of a trial corrects the estimates of
            later ones, and their figures are part of the result.
        on_change: told whenever something changes.
        goes_on: whether networks are still tried; otherwise the best so far is made into files.
    """

    spec: SearchSpec
    pictures: Pictures
    out_dir: Path
    processes: int = 2
    parent: Path | None = None
    chip: LocalChip = field(default_factory=LocalChip.found_here)
    on_change: OnChange = lambda standing: None
    goes_on: bool = True
    _records: list[TrialRecord] = field(default_factory=list)
    _doing: dict[int, dict[str, Any]] = field(default_factory=dict)
    _reasons: dict[int, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _started: float = field(default_factory=time.monotonic)
    """When the search would have begun if it had never been interrupted."""
    _wanted: bool = True
    _exhausted: bool = False

    def run(self) -> Found:
        """Try networks until the budget is used up, then make the best one's files.

        Raises:
            SearchError: if no trial ended well, or the folder belongs to another search.
        """
        self._take_over()
        with ThreadPoolExecutor(self.processes) as threads:
            workers = [threads.submit(self._work) for _ in range(self.processes)]
            try:
                for worker in workers:
                    worker.result()
            except BaseException:
                self._give_up()  # every process is killed before the error goes on
                raise
        return self._finish()

    @property
    def _passed_s(self) -> float:
        return time.monotonic() - self._started

    def _take_over(self) -> None:
        """Read what an earlier call left, what it was training waits to be gone on with; its minutes count."""
        claim(self.out_dir, self.spec, self.pictures.content_sha256)
        kept = kept_trials(self.out_dir)
        for record, reason, _ in kept:
            self._reasons[record.number] = reason
            self._records.append(replace(record, state=TrialState.PENDING) if _unfinished(record) else record)
        self._started -= max((each.passed_s for each in kept), default=0.0)

    def _work(self) -> None:
        """Do one trial after another in a process of its own."""
        with JobProcess(threads=1) as process:
            if self._has_more:
                self._do(process, {"job": "warm_up"})  # proposals wait for each other, loading need not
            while record := self._next(process):
                self._keep(self._tried(process, record))

    @property
    def _has_more(self) -> bool:
        unfinished = any(record.state == TrialState.PENDING for record in self._records)
        return self.goes_on and (unfinished or len(self._records) < self.spec.trials)

    def _next(self, process: JobProcess) -> TrialRecord | None:
        """Return the trial to do next: one that was interrupted, or a new one; None if the search is over.

        Proposals are made one at a time, so that each knows of all others.
        """
        with self._lock:
            if not self.goes_on:
                return None
            waiting = next((record for record in self._records if record.state == TrialState.PENDING), None)
            if waiting:
                return self._keep(replace(waiting, state=TrialState.RUNNING))
            spec = in_the_time_left(self.spec, self._records, self._passed_s, self.processes)
            if self._exhausted or spec is None or len(self._records) >= self.spec.trials:
                return None
            history = [record.to_json() for record in self._records]
            chosen = self._do(process, {"job": "propose", "spec": spec.to_json(), "history": history})
            if "stopped" in chosen:
                self._exhausted = True
                return None
            number = len(self._records) + 1
            self._reasons[number] = str(chosen.get("proposal", {}).get("reason", ""))
            others = {role: chosen.get("proposal", {}).get(role) for role in ("parent", "teacher")}
            record = {"number": number, "architecture": chosen["architecture"], "state": "running", **others}
            found = TrialRecord.from_json({**record, "latency_ms": chosen["estimate"]["latency_ms"]})
            self._records.append(found)
            return self._keep(found)

    def _tried(self, process: JobProcess, record: TrialRecord) -> TrialRecord:
        """Train and judge; return what is known now."""
        folder = trial_folder(self.out_dir, record.number)
        job = {
            "job": "train",
            "spec": self.spec.to_json(),
            "architecture": record.architecture.to_json(),
            "number": record.number,
            "history": [other.to_json() for other in self._records if other.number != record.number],
            "out_dir": str(folder),
            **start_of(self.out_dir, record, self.parent),
            **self.pictures.job_values(self.spec.image_px),
        }

        def told(report: dict[str, Any]) -> None:
            self._tell(record.number, report)

        try:
            outcome = self._do(process, job, told)
        except StepFailed as error:
            return replace(record, state=TrialState.FAILED, message=str(error))
        done = replace(
            record,
            state=TrialState.DONE,
            validation_accuracy=outcome["validation_accuracy"],
            float_accuracy=outcome["float_accuracy"],
            seconds=outcome["seconds"],
            rung_accuracies=tuple(outcome["metrics"]["rung_accuracies"]),
        )
        return (
            done
            if done.stopped
            else self.chip.prove(partial(self._do, process, report=told), self.spec.device, done, folder)
        )

    def _do(self, process: JobProcess, job: dict[str, Any], report: Report = lambda message: None) -> dict[str, Any]:
        """Have a process do a job; one that dies is started again, which goes on from the last epoch."""
        for last in (False,) * (MOST_TRIES - 1) + (True,):
            try:
                return process.run(dict(job), report, lambda: self._wanted, DEADLINE_S)
            except JobBroken as error:
                if last:
                    raise StepFailed(f"Its process ended {MOST_TRIES} times without an answer: {error}") from error
            except LeaseLost as error:
                raise SearchError("The search was stopped.") from error
        raise AssertionError("the last try returns or raises")

    def _tell(self, number: int, report: dict[str, Any]) -> None:
        """Show what is being done about a trial; nothing any more where the report is empty."""
        with self._lock:
            self._doing[number] = report
            if not report:
                del self._doing[number]
            self._announce()

    def _keep(self, record: TrialRecord) -> TrialRecord:
        """Write a trial down, here and on disk."""
        with self._lock:
            self._records[record.number - 1] = record
            self._doing.pop(record.number, None)
            keep_trial(self.out_dir, KeptTrial(record, self._reasons.get(record.number, ""), self._passed_s))
            self._announce()
        return record

    def _announce(self) -> None:
        records, doing, reasons = tuple(self._records), dict(self._doing), dict(self._reasons)
        self.on_change(Standing(self.spec, records, doing, reasons, self._passed_s))

    def _files(self) -> LocalFiles:
        return LocalFiles(
            spec=self.spec,
            history=self._records,
            pictures=self.pictures,
            out_dir=self.out_dir,
            processes=self.processes,
            parent=self.parent,
            chip=self.chip,
            do=self._do,
            tell=self._tell,
            give_up=self._give_up,
        )

    def _give_up(self) -> None:
        self._wanted = False

    def _finish(self) -> Found:
        """Make the files of the best network, or of some along the front; look at the test pictures once for each."""
        best = best_of(self.spec, self._records)
        if best is None:
            message = next((record.message for record in reversed(self._records) if record.message), "none was begun.")
            raise SearchError(f"No trial of this search came to an end. The last one: {message}")
        front = some_of_front(self.spec, self._records) if self.spec.objective == Goal.FRONT else []
        others = [record for record in reversed(front) if record.number != best.number]
        result, *further = self._files().results_of([best, *others], self._passed_s)
        if self.spec.objective == Goal.FRONT:
            result = {**result, "front": sorted([*further, result], key=lambda each: float(each["latency_ms"]))}
        files = {name: Path(each) for name, each in result["files"].items()}
        return Found(self.spec, tuple(self._records), best, files, result)


def _unfinished(record: TrialRecord) -> bool:
    return record.state in (TrialState.PENDING, TrialState.RUNNING)
