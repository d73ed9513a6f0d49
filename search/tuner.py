"""keras-tuner's Oracle and Tuner, with our proposals and our judgement inside. The only importer of keras_tuner.

keras-tuner keeps the trials, names the choices and runs the loop. Which network comes next is `propose`'s business;
what was tried can be given as records, so that a database row, and no file of keras-tuner's, is the truth.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.errors import FailedTrialError

from models.architecture import Architecture
from models.backbones import fetch_backbone
from models.quantize import QuantizedFiles
from search.cost import cost_of
from search.dataset import Dataset
from search.errors import SearchError, TrialFailed
from search.feasible import check_spec
from search.finishing import Finished, finish
from search.judge import ARCHITECTURE_FILE, OUTCOME_FILE, TrialOutcome, judge_trial, validate_on_cpu
from search.minutes import last_seconds
from search.progress import OnProgress, ignore
from search.propose import Proposal, Stopped, next_proposal
from search.quantizing import quantize_best
from search.space import space_of
from search.spec import SearchSpec
from search.train import CHECKPOINT
from search.trial import TrialRecord, TrialState

OBJECTIVE = "int8_accuracy"
FLOAT, RUNGS = "float_accuracy", ("rung_1", "rung_2")
"""Further values of a trial: its float accuracy, and what `search.train.Trained.rung_accuracies` holds."""
_ARCHITECTURE, _PARENT, _TEACHER = "architecture", "parent", "teacher"
"""Names of the values that hold the whole architecture and the number of the trial that it begins with, beside the
choices that led to it."""
TRIALS_USED_UP = Stopped("All trials that were ordered are used up.")
_STATES = {
    TrialStatus.RUNNING: TrialState.RUNNING,
    TrialStatus.COMPLETED: TrialState.DONE,
    TrialStatus.INVALID: TrialState.FAILED,
    TrialStatus.FAILED: TrialState.FAILED,
}
_STATUSES = {
    TrialState.PENDING: TrialStatus.RUNNING,
    TrialState.RUNNING: TrialStatus.RUNNING,
    TrialState.DONE: TrialStatus.COMPLETED,
    TrialState.FAILED: TrialStatus.FAILED,
}


class AtollOracle(keras_tuner.Oracle):
    """Asks `next_proposal` for every new trial."""

    def __init__(self, spec: SearchSpec, history: Sequence[TrialRecord] = ()) -> None:
        super().__init__(
            objective=keras_tuner.Objective(OBJECTIVE, "max"),
            max_trials=spec.trials,
            hyperparameters=_vocabulary(spec),
            tune_new_entries=False,
            seed=spec.seed,
            max_consecutive_failed_trials=spec.trials + 1,  # a failed trial is not a failed search
        )
        self.verbose = 0
        self._spec = spec
        self.proposed: Proposal | Stopped = TRIALS_USED_UP
        """What came of the last question for a trial."""
        self._restored: dict[str, TrialRecord] = {}
        for record in history:
            self._restore(record)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the choices of the next network, or STOPPED if no new one holds the limits."""
        self.proposed = next_proposal(self._spec, self.history())
        if isinstance(self.proposed, Stopped):
            return {"status": TrialStatus.STOPPED}
        return {"status": TrialStatus.RUNNING, "values": _values(self.proposed)}

    def history(self) -> list[TrialRecord]:
        """Return every trial so far as our own values."""
        return [self._record(number, self.trials[each]) for number, each in enumerate(sorted(self.trials), 1)]

    def _record(self, number: int, trial: Trial) -> TrialRecord:
        score = None if trial.score is None else float(trial.score)
        known = {name: _value(trial, name) for name in (FLOAT, *RUNGS)}
        network = architecture_of(trial)
        now = TrialRecord(
            number,
            network,
            _STATES[trial.status],
            score,
            float_accuracy=known[FLOAT],
            latency_ms=cost_of(self._spec, network).latency_ms,
            parent=trial.hyperparameters.values.get(_PARENT),
            teacher=trial.hyperparameters.values.get(_TEACHER),
            rung_accuracies=tuple(value for name in RUNGS if (value := known[name]) is not None),
        )
        before = self._restored.get(trial.trial_id)
        return replace(before, number=number) if before and before.state in (now.state, TrialState.PENDING) else now

    def _restore(self, record: TrialRecord) -> None:
        """Take over a trial that is kept elsewhere."""
        values = self.hyperparameters.copy()
        values.values = _values(record)
        trial = Trial(values, f"{len(self.trials):0{len(str(self.max_trials))}d}", _STATUSES[record.state])
        trial.score = record.validation_accuracy
        trial.best_step = 0
        self.trials[trial.trial_id] = trial
        self._restored[trial.trial_id] = record
        self.start_order.append(trial.trial_id)
        if record.state in (TrialState.DONE, TrialState.FAILED):
            self.end_order.append(trial.trial_id)


class Start(TypedDict):
    """What a training begins with, as `search.judge.judge_trial` and `search.finishing.finish` take it."""

    parent: Path | None
    knows_pictures: bool
    teacher: Path | None


class AtollTuner(BaseTuner):
    """Trains and judges each network that the Oracle names; goes on where it was stopped."""

    def __init__(self, oracle: AtollOracle, spec: SearchSpec, directory: Path) -> None:
        self._spec = spec
        self._parent = fetch_backbone(spec.backbone) if spec.backbone else None
        super().__init__(oracle, directory=str(directory), project_name="search")

    def run_trial(
        self, trial: Trial, dataset: Dataset, on_progress: OnProgress = ignore, epochs: int | None = None
    ) -> dict[str, float]:
        """Return what keras-tuner keeps of a trial; files and costs are in the trial's folder."""
        folder, network = self.folder_of(trial), architecture_of(trial)
        others = [record for record in self.oracle.history() if record.architecture.key != network.key]
        try:
            found = judge_trial(
                network,
                dataset,
                self._spec,
                folder,
                on_progress,
                epochs=epochs,
                **self.start_of(trial),
                history=others,
            )
        except TrialFailed as error:
            raise FailedTrialError(str(error)) from error
        rungs = dict(zip(RUNGS, found.metrics["rung_accuracies"], strict=False))
        return {OBJECTIVE: found.validation_accuracy, FLOAT: found.float_accuracy, **rungs}

    def start_of(self, trial: Trial) -> Start:
        """Return what a trial begins with, and which trial's network teaches it."""
        parent, teacher = (self._checkpoint_of(trial, name) for name in (_PARENT, _TEACHER))
        return Start(parent=parent or self._parent, knows_pictures=parent is not None, teacher=teacher)

    def _checkpoint_of(self, trial: Trial, role: str) -> Path | None:
        number = trial.hyperparameters.values.get(role)
        return None if number is None else self.folder_of(self._trial_of(number)) / CHECKPOINT

    def _trial_of(self, number: int) -> Trial:
        return self.oracle.trials[sorted(self.oracle.trials)[number - 1]]

    def folder_of(self, trial: Trial) -> Path:
        """Return where a trial keeps its files."""
        return Path(self.get_trial_dir(trial.trial_id))


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found."""

    best: TrialOutcome
    architecture: Architecture
    files: QuantizedFiles
    validation: dict[str, Any]
    """On the test pictures, as `validate_on_cpu` gives it."""
    history: list[TrialRecord]
    longer: Finished | None
    """The longer training of the best network; None where the number of epochs was given."""


def next_proposal_after(spec: SearchSpec, history: Sequence[TrialRecord], scratch: Path) -> Proposal | Stopped:
    """Return the network to try next and why, or why the search is over: also where the order's trials are used up.

    Args:
        spec: what is asked.
        history: every trial so far, also those that still run or failed.
        scratch: an empty folder for keras-tuner's own notes; nothing in it is needed later.
    """
    oracle = AtollOracle(spec, history)
    oracle._set_project_dir(str(scratch), "proposal")
    oracle.create_trial("proposal")
    return oracle.proposed


def search(
    dataset: Dataset, spec: SearchSpec, out_dir: Path, *, on_progress: OnProgress = ignore, epochs: int | None = None
) -> Found:
    """Search in this process; a second call with the same folder goes on where the first was stopped.

    Args:
        dataset: the pictures.
        spec: what is asked.
        out_dir: where everything is kept.
        on_progress: told at the start and after every epoch.
        epochs: of every training; None for the rules of `search.schedule` and, at the end, the longer training.

    Raises:
        LimitImpossible: if no network holds the limits.
        SearchError: if every trial failed.
    """
    check_spec(spec)
    began = time.monotonic()
    tuner = AtollTuner(AtollOracle(spec), spec, out_dir)
    tuner.search(dataset, on_progress, epochs)
    trial, best = _best_of(tuner)
    folder = tuner.folder_of(trial)
    architecture = Architecture.from_json(json.loads((folder / ARCHITECTURE_FILE).read_text()))
    trained, longer = folder / CHECKPOINT, None
    if epochs is None:
        longer = finish(
            architecture,
            dataset,
            trained,
            out_dir / "training",
            seed=spec.seed,
            **tuner.start_of(trial),
            stopped=len(best.metrics["rung_accuracies"]) == 1,
            trial_seconds=best.seconds,
            most_seconds=last_seconds(spec, time.monotonic() - began),
            on_progress=on_progress,
        )
        trained = longer.checkpoint
    quantized = quantize_best(trained, dataset, out_dir / "best", seed=spec.seed)
    validation = validate_on_cpu(quantized.checkpoint, quantized.files, dataset, trained=trained)
    return Found(best, architecture, quantized.files, validation, tuner.oracle.history(), longer)


def _best_of(tuner: AtollTuner) -> tuple[Trial, TrialOutcome]:
    """Return the best trial and its outcome: most accurate in int8, then in float, then the fastest."""
    done = [trial for trial in tuner.oracle.trials.values() if trial.status == TrialStatus.COMPLETED]
    if not done:
        last = next((trial.message for trial in reversed(tuner.oracle.trials.values()) if trial.message), "")
        cause = last.strip().splitlines()[-1:] or ["no network was proposed."]
        raise SearchError(f"No trial of this search came to an end. The last one: {cause[0]}")
    files = [tuner.folder_of(trial) / OUTCOME_FILE for trial in done]
    outcomes = [TrialOutcome.from_json(json.loads(file.read_text())) for file in files]
    return max(zip(done, outcomes, strict=True), key=lambda pair: pair[1].rank)


def architecture_of(trial: Trial) -> Architecture:
    """Return the network that a trial of keras-tuner stands for."""
    return Architecture.from_json(json.loads(trial.hyperparameters.values[_ARCHITECTURE]))


def _vocabulary(spec: SearchSpec) -> keras_tuner.HyperParameters:
    """Return the space's choices as keras-tuner names them."""
    vocabulary = keras_tuner.HyperParameters()
    for name, values in space_of(spec).choices.items():
        vocabulary.Choice(name, list(values))
    return vocabulary


def _value(trial: Trial, name: str) -> float | None:
    """Return a value that a trial was said to have, if it was."""
    return float(trial.metrics.get_best_value(name)) if trial.metrics.exists(name) else None


def _values(chosen: Proposal | TrialRecord) -> dict[str, Any]:
    network = chosen.architecture
    facts = {_ARCHITECTURE: json.dumps(network.to_json()), _PARENT: chosen.parent, _TEACHER: chosen.teacher}
    return {**network.choices, **facts}
