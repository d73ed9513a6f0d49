"""A search without the site: the same jobs in the same processes, with a folder in place of the database's rows.

    OUT/pictures/     the checked pictures and their arrays
    OUT/order.json    what was asked, so that a second call cannot mean something else
    OUT/trials/001/   trial.json (all that is known of it), the state of its training, its checkpoint
    OUT/training/     the longer training of what was chosen
    OUT/best/         the files of the best network, result.json
    OUT/front/007/    the same of further networks, where the best for every latency are looked for

A second call with the same folder goes on where the first was stopped, however it was stopped.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from marketplace.errors import LeaseLost
from search.errors import SearchError, SpecInvalid
from search.minutes import in_the_time_left, last_seconds
from search.problem import Goal
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState
from workers.errors import JobBroken, StepFailed
from workers.job_process import JobProcess, Report
from workers.local_choice import best_of, some_of_front
from workers.local_pictures import Pictures
from workers.written import write_whole

TRIAL_FILE, RESULT_FILE, ORDER_FILE = "trial.json", "result.json", "order.json"
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
        return best_of(self.records)


@dataclass(frozen=True, slots=True)
class _Share:
    """What the last training of one network gets of the machine and of the time."""

    threads: int
    seconds: float | None
    """None for any time."""


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
        on_change: told whenever something changes.
        goes_on: whether networks are still tried; otherwise the best so far is made into files.
    """

    spec: SearchSpec
    pictures: Pictures
    out_dir: Path
    processes: int = 2
    parent: Path | None = None
    on_change: OnChange = lambda standing: None
    goes_on: bool = True
    _records: list[TrialRecord] = field(default_factory=list)
    _doing: dict[int, dict[str, Any]] = field(default_factory=dict)
    _reasons: dict[int, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _started: float = field(default_factory=time.monotonic)
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
                self._wanted = False  # every process is killed before the error goes on
                raise
        return self._finish()

    def _take_over(self) -> None:
        """Read what an earlier call left; what it was training waits to be gone on with."""
        order = {"spec": self.spec.to_json(), "pictures": self.pictures.content_sha256}
        path = self.out_dir / ORDER_FILE
        if path.exists() and not _same_search(json.loads(path.read_text()), order):
            raise SearchError(f"{self.out_dir} holds another search. Name another folder, or remove this one.")
        write_whole(path, json.dumps(order, indent=1))
        for file in sorted(self.out_dir.glob(f"trials/*/{TRIAL_FILE}")):
            kept = json.loads(file.read_text())
            record = TrialRecord.from_json(kept["trial"])
            self._reasons[record.number] = kept["reason"]
            self._records.append(replace(record, state=TrialState.PENDING) if _unfinished(record) else record)

    def _work(self) -> None:
        """Do one trial after another in a process of its own."""
        with JobProcess(threads=1) as process:
            while record := self._next(process):
                self._keep(self._tried(process, record))

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
            spec = in_the_time_left(self.spec, self._records, time.monotonic() - self._started)
            if self._exhausted or spec is None or len(self._records) >= self.spec.trials:
                return None
            history = [record.to_json() for record in self._records]
            chosen = self._do(process, {"job": "propose", "spec": spec.to_json(), "history": history})
            if "stopped" in chosen:
                self._exhausted = True
                return None
            number = len(self._records) + 1
            self._reasons[number] = str(chosen.get("proposal", {}).get("reason", ""))
            record = {"number": number, "architecture": chosen["architecture"], "state": "running"}
            found = TrialRecord.from_json({**record, "latency_ms": chosen["estimate"]["latency_ms"]})
            self._records.append(found)
            return self._keep(found)

    def _tried(self, process: JobProcess, record: TrialRecord) -> TrialRecord:
        """Train and judge; return what is known now."""
        folder = self.folder_of(record.number)
        job = {
            "job": "train",
            "spec": self.spec.to_json(),
            "architecture": record.architecture.to_json(),
            "number": record.number,
            "history": [other.to_json() for other in self._records if other.number != record.number],
            "out_dir": str(folder),
            **({"parent": str(self.parent)} if self.parent else {}),
            **self.pictures.job_values(self.spec.image_px),
        }
        try:
            outcome = self._do(process, job, lambda report: self._tell(record.number, report))
        except StepFailed as error:
            return replace(record, state=TrialState.FAILED, message=str(error))
        return replace(
            record,
            state=TrialState.DONE,
            validation_accuracy=outcome["validation_accuracy"],
            float_accuracy=outcome["float_accuracy"],
            seconds=outcome["seconds"],
            rung_accuracies=tuple(outcome["metrics"]["rung_accuracies"]),
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
        with self._lock:
            self._doing[number] = report
            self._announce()

    def _keep(self, record: TrialRecord) -> TrialRecord:
        """Write a trial down, here and on disk."""
        with self._lock:
            self._records[record.number - 1] = record
            self._doing.pop(record.number, None)
            kept = {"trial": record.to_json(), "reason": self._reasons.get(record.number, "")}
            write_whole(self.folder_of(record.number) / TRIAL_FILE, json.dumps(kept, indent=1))
            self._announce()
        return record

    def _announce(self) -> None:
        passed = time.monotonic() - self._started
        self.on_change(Standing(self.spec, tuple(self._records), dict(self._doing), dict(self._reasons), passed))

    def _finish(self) -> Found:
        """Make the files of the best network, or of some along the front; look at the test pictures once for each."""
        best = best_of(self._records)
        if best is None:
            message = next((record.message for record in reversed(self._records) if record.message), "none was begun.")
            raise SearchError(f"No trial of this search came to an end. The last one: {message}")
        front = some_of_front(self._records) if self.spec.objective == Goal.FRONT else []
        others = [record for record in front if record.number != best.number]
        result, *further = self._results_of([best, *others])
        if self.spec.objective == Goal.FRONT:
            result = {**result, "front": sorted([*further, result], key=lambda each: float(each["latency_ms"]))}
        files = {name: Path(each) for name, each in result["files"].items()}
        return Found(self.spec, tuple(self._records), best, files, result)

    def _results_of(self, records: Sequence[TrialRecord]) -> list[dict[str, Any]]:
        """Return what networks' files are and what they are worth, the best one's first; several at the same time."""
        at_once = min(self.processes, len(records))
        last_s = last_seconds(self.spec)
        each = _Share(self.processes // at_once, None if last_s is None else last_s / math.ceil(len(records) / at_once))
        folders = [self.out_dir / "best", *(self.out_dir / "front" / f"{record.number:03d}" for record in records[1:])]
        with ThreadPoolExecutor(at_once) as threads:
            try:
                return list(threads.map(self._result_of, records, folders, [each] * len(records)))
            except BaseException:
                self._wanted = False
                raise

    def _result_of(self, record: TrialRecord, folder: Path, share: _Share) -> dict[str, Any]:
        """Return what a network's files are and what they are worth, as an earlier call left it or made now."""
        path = folder / RESULT_FILE
        if not (path.exists() and json.loads(path.read_text())["trial"] == record.number):
            write_whole(path, json.dumps(self._judged(record, folder, share), indent=1))
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def _judged(self, record: TrialRecord, folder: Path, share: _Share) -> dict[str, Any]:
        shared = {
            **self.pictures.job_values(self.spec.image_px),
            "architecture": record.architecture.to_json(),
            "seed": self.spec.seed,
        }
        finish = {
            "job": "finish",
            "checkpoint": str(self.folder_of(record.number) / "checkpoint.keras"),
            "out_dir": str(self.out_dir / "training" / f"{record.number:03d}"),
            "stopped": record.stopped,
            "trial_seconds": record.seconds,
            "most_seconds": share.seconds,
            **({"parent": str(self.parent)} if self.parent else {}),
        }
        quantize = {
            "job": "quantize",
            "device": self.spec.device,
            "onchip_limit_bytes": self.spec.onchip_limit_bytes,
            "out_dir": str(folder),
        }

        def tell(report: dict[str, Any]) -> None:
            self._tell(record.number, report)

        with JobProcess(threads=share.threads) as process:
            finished = self._do(process, {**finish, **shared}, tell)
            made = self._do(process, {**quantize, **shared, "checkpoint": finished["checkpoint"]}, tell)
            made["quantization"]["final_training"] = finished["training"]
            paths = {**made["files"], **finished["files"]}
            judge = {"job": "validate", "paths": paths, "quantization": made["quantization"], **shared}
            validation = self._do(process, judge, tell)
        self._doing.pop(record.number, None)
        return {"trial": record.number, "latency_ms": record.latency_ms, **made, "validation": validation}

    def folder_of(self, number: int) -> Path:
        """Return where a trial keeps its files."""
        return self.out_dir / "trials" / f"{number:03d}"


def _unfinished(record: TrialRecord) -> bool:
    return record.state in (TrialState.PENDING, TrialState.RUNNING)


_BUDGET = ("trials", "minutes", "trial_minutes", "min_gain")


def _same_search(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether an order means the same search; more trials or minutes may be asked for later."""

    def essence(order: Mapping[str, Any]) -> dict[str, Any]:
        spec = SearchSpec.from_json(order["spec"]).to_json()  # what an older order does not say is as usual
        return {**order, "spec": {name: value for name, value in spec.items() if name not in _BUDGET}}

    try:
        return essence(asked) == essence(kept)
    except SpecInvalid:
        return False
