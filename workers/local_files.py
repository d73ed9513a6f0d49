"""From chosen networks to files: trained to the end, quantized, judged on the test pictures, compiled and measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from search.distillation import as_last
from search.shares import Share, shares_of
from search.spec import SearchSpec
from search.trial import TrialRecord
from workers.job_process import JobProcess, Report
from workers.jobs.compile_model import COMPILED_NAMES
from workers.local_chip import DoJob, LocalChip
from workers.local_folder import RESULT_FILE, start_of, trial_folder
from workers.local_pictures import Pictures
from workers.written import write_whole


class Do(Protocol):
    """Has a process do a job; one that dies is started again."""

    def __call__(self, process: JobProcess, job: dict[str, Any], report: Report = ...) -> dict[str, Any]:
        """Return what came of the job."""


class Tell(Protocol):
    """Shows what is being done about a trial."""

    def __call__(self, number: int, report: dict[str, Any]) -> None:
        """Take a report; an empty one says that nothing is being done any more."""


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """Makes the files of networks of one search; its fields are those of `workers.local.LocalSearch`."""

    spec: SearchSpec
    history: Sequence[TrialRecord]
    """Every trial of the search."""
    pictures: Pictures
    out_dir: Path
    processes: int
    parent: Path | None
    chip: LocalChip
    do: Do
    tell: Tell
    give_up: Callable[[], None]
    """Kills what is being done."""

    def results_of(self, records: Sequence[TrialRecord], passed_s: float) -> list[dict[str, Any]]:
        """Return what networks' files are and what they are worth, the best one's first; several at the same time.

        Those that come first are trained for longer first, while there is time: `passed_s` the search has taken.
        """
        records = [as_last(self.spec, self.history, record) for record in records]
        shares = shares_of(self.spec, records, self.processes, passed_s)
        folders = [self.out_dir / "best", *(self.out_dir / "front" / f"{record.number:03d}" for record in records[1:])]
        with ThreadPoolExecutor(min(self.processes, len(records))) as threads:
            try:
                return list(threads.map(self._result_of, records, folders, shares))
            except BaseException:
                self.give_up()  # the others would be waited for
                raise

    def _result_of(self, record: TrialRecord, folder: Path, share: Share) -> dict[str, Any]:
        """Return what a network's files are and what they are worth, as an earlier call left it or made now."""
        path = folder / RESULT_FILE
        if not (path.exists() and json.loads(path.read_text())["trial"] == record.number):
            with JobProcess(threads=share.threads) as process:
                made = self._made(process, record, folder, share)
            write_whole(path, json.dumps(made, indent=1))
            self.tell(record.number, {})
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def _made(self, process: JobProcess, record: TrialRecord, folder: Path, share: Share) -> dict[str, Any]:
        """Train a network to its end, make its files, judge them once; compile and measure them where possible."""
        shared = {
            **self.pictures.job_values(self.spec.image_px),
            "architecture": record.architecture.to_json(),
            "seed": self.spec.seed,
        }

        def told(report: dict[str, Any]) -> None:
            self.tell(record.number, report)

        finished = self.do(process, {**self._finish(record, share), **shared}, told)
        made = self.do(process, {**self._quantize(folder), **shared, "checkpoint": finished["checkpoint"]}, told)
        made["quantization"]["final_training"] = {**finished["training"], "teacher_trial": record.teacher}
        paths = {**made["files"], **finished["files"]}
        judge = {"job": "validate", "paths": paths, "quantization": made["quantization"], **shared}
        validation = self.do(process, judge, told)
        compilation, measurement = self._proof(partial(self.do, process, report=told), made["files"], folder)
        made["files"].update(compilation.pop("files"))
        proof = {"compilation": compilation, "measurement": measurement}
        return {"trial": record.number, "latency_ms": record.latency_ms, **made, "validation": validation, **proof}

    def _finish(self, record: TrialRecord, share: Share) -> dict[str, Any]:
        return {
            "job": "finish",
            "checkpoint": str(trial_folder(self.out_dir, record.number) / "checkpoint.keras"),
            "out_dir": str(self.out_dir / "training" / f"{record.number:03d}"),
            "stopped": record.stopped,
            "trial_seconds": record.seconds,
            "most_seconds": share.seconds,
            **start_of(self.out_dir, record, self.parent),
        }

    def _quantize(self, folder: Path) -> dict[str, Any]:
        return {
            "job": "quantize",
            "device": self.spec.device,
            "onchip_limit_bytes": self.spec.onchip_limit_bytes,
            "out_dir": str(folder),
        }

    def _proof(self, do: DoJob, files: Mapping[str, str], folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what compiler and device of this machine say of a network's files."""
        models = {name: Path(files[name]) for name in COMPILED_NAMES}
        compilation = self.chip.compilation(do, models, folder / "compiled")
        return compilation, self.chip.measurement(do, compilation)
