"""One trial: choose an architecture that was not tried, train it, judge its int8 form on the validation split."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from marketplace.devices.queries import a_worker_has
from marketplace.errors import LeaseLost
from marketplace.runs import outcomes
from marketplace.runs.models import Run, Trial
from marketplace.runs.specs import history_of, record_of, seconds_since_start, spec_for
from marketplace.storage import scratch_folder, store_path
from marketplace.work import lifecycle
from marketplace.work.models import Step
from search.minutes import in_the_time_left
from workers.heartbeat import Heartbeat
from workers.steps.compile_trial import INT8_FILE
from workers.steps.engine import do_job
from workers.steps.parents import start_of
from workers.steps.pictures import pictures_of

TIME_IS_UP = "What is left of the {minutes:g} minutes of this search is too short for a further trial."


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Propose, train and judge; what a killed worker had proposed or trained already is used."""
    trial = _begin(lease)
    reason = "" if trial.architecture_key else _propose(trial, lease, heartbeat)
    if reason:
        with lifecycle.finishing(lease):
            outcomes.skip_trials(trial, reason)
        return
    folder = scratch_folder("trials", str(trial.pk))
    outcome = do_job(
        "train",
        heartbeat,
        spec=spec_for(trial.run).to_json(),
        architecture=trial.architecture,
        number=trial.number,
        out_dir=str(folder),
        history=[record.to_json() for record in history_of(trial.run) if record.number != trial.number],
        **start_of(trial.run, record_of(trial)),
        **pictures_of(trial.run),
    )
    files = {name: store_path(Path(path), "artifacts") for name, path in _kept(outcome["files"]).items()}
    with lifecycle.finishing(lease):
        outcomes.record_trial(trial, outcome, files)
    shutil.rmtree(folder, ignore_errors=True)


def _kept(files: Mapping[str, str]) -> dict[str, str]:
    """Return what a trial leaves behind: its int8 file only where somebody can compile it."""
    compiled = a_worker_has(Step.Needs.COMPILER)
    return {name: path for name, path in files.items() if compiled or name != INT8_FILE}


def _begin(lease: lifecycle.Lease) -> Trial:
    trial = Trial.objects.select_related("run__dataset_version__dataset").get(pk=lease.subject)
    with lifecycle.writing(lease):
        if not outcomes.begin_trial(trial):
            raise LeaseLost("the trial was cancelled")
    return trial


def _propose(trial: Trial, lease: lifecycle.Lease, heartbeat: Heartbeat) -> str:
    """Choose an architecture; return why there is none. Another worker may take the same one first: then again."""
    while True:
        run = Run.objects.select_related("dataset_version__dataset").get(pk=trial.run_id)
        history = history_of(run)
        spec = in_the_time_left(spec_for(run), history, seconds_since_start(run))
        if spec is None:
            return TIME_IS_UP.format(minutes=run.minutes)
        heartbeat.report({"phase": "Choosing a network"})
        known = [record.to_json() for record in history]
        chosen = do_job("propose", heartbeat, spec=spec.to_json(), history=known)
        if "stopped" in chosen:
            return str(chosen["stopped"])
        with lifecycle.writing(lease):
            if outcomes.record_proposal(trial, chosen):
                return ""


def fail(subject: int, sentence: str) -> None:
    """The trial failed; the search goes on."""
    outcomes.fail_trial(Trial.objects.select_related("run").get(pk=subject), sentence)
