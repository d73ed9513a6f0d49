"""From the best trial to files and figures: what is trained for longer stays with what was made of it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pytest_django import Settings

from marketplace.runs.models import Artifact, Run, Trial
from marketplace.storage import store
from marketplace.work import lifecycle
from marketplace.work.models import Step
from marketplace.work.services import order_step
from models.backbones import BACKBONES
from search.trial import TrialRecord
from tests.factories import make_run, make_user
from tests.search.test_distillation import network
from workers.errors import StepFailed
from workers.heartbeat import Heartbeat
from workers.steps import engine as warm
from workers.steps import parents, quantize, validate

pytestmark = pytest.mark.django_db(transaction=True)  # the heartbeat writes from a thread of its own

R = Run.Status


class InMemoryEngine:
    """A job process that trains, converts and judges at once."""

    def __init__(self, folder: Path) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.seen: dict[str, bytes] = {}
        self.kept, self._folder = True, folder

    def do_job(self, name: str, heartbeat: Heartbeat, **job: Any) -> dict[str, Any]:
        self.jobs[name] = job
        if name == "validate":
            self.seen = {each: Path(path).read_bytes() for each, path in job["paths"].items()}
            return {"split": "test", "int8_accuracy": 0.9}
        longer = self._file("longer.keras", b"learned for longer")
        if name == "finish":
            chosen = longer if self.kept else job["checkpoint"]
            return {
                "checkpoint": chosen,
                "files": {"trained.keras": chosen},
                "training": {"kept": self.kept, "sentence": "Trained again for 15 instead of 5 epochs."},
            }
        names = ("checkpoint.keras", "model_int8.tflite", "model_uint8.tflite")
        files = {each: self._file(each, f"made {each}".encode()) for each in names}
        return {"files": files, "estimate": {}, "quantization": {"way": "plain"}}

    def _file(self, name: str, content: bytes) -> str:
        path = self._folder / name
        path.write_bytes(content)
        return str(path)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> InMemoryEngine:
    settings.DATA_DIR = tmp_path
    made = InMemoryEngine(tmp_path)
    for step in (quantize, validate):
        monkeypatch.setattr(step, "do_job", made.do_job)
        monkeypatch.setattr(step, "pictures_of", lambda run: {})
    return made


@pytest.fixture
def run() -> Run:
    """A run whose search is over."""
    made = make_run(make_user(), status=R.QUANTIZING, quantization={}, validation={}, compilation={}, measurement={})
    kept = store(io.BytesIO(b"as the trial left it"), "artifacts")
    Artifact.objects.create(
        run=made,
        trial=made.best_trial,
        name="checkpoint.keras",
        sha256=kept.sha256,
        byte_count=kept.byte_count,
        storage_key=kept.key,
    )
    order_step(kind=Step.Kind.QUANTIZE, subject=made.pk)
    return made


def do_next(step: Any) -> None:
    lease = lifecycle.claim("cpu", "worker")
    assert lease is not None
    with Heartbeat(lease) as heartbeat:
        step.run(lease, heartbeat)


def final_networks(run: Run) -> int:
    return Artifact.objects.filter(trial=Trial.objects.get(run=run), name="trained.keras").count()


def test_the_longer_training_is_what_int8_is_made_of_and_compared_with(engine: InMemoryEngine, run: Run) -> None:
    do_next(quantize)
    assert engine.jobs["quantize"]["checkpoint"].endswith("longer.keras")
    assert final_networks(run) == 1
    run.refresh_from_db()
    assert run.status == R.VALIDATING
    assert run.quantization["final_training"]["sentence"].startswith("Trained again")
    assert not run.artifacts.filter(trial=None, name="trained.keras").exists(), "people download what int8 came from"
    do_next(validate)
    assert engine.seen["trained.keras"] == b"learned for longer"
    assert engine.seen["checkpoint.keras"] == b"made checkpoint.keras"


def test_who_came_to_its_end_after_the_trial_began_teaches_the_longer_training(
    engine: InMemoryEngine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parents, "parent_of", lambda run: "published weights")
    Run.objects.filter(pk=run.pk).update(backbone=next(iter(BACKBONES)))
    run.trials.update(architecture=network(96, 0.5).to_json(), float_accuracy=0.9)
    whole = network(128)
    late = Trial.objects.create(
        run=run,
        number=2,
        status=Trial.Status.DONE,
        architecture=whole.to_json(),
        architecture_key=whole.key,
        validation_accuracy=0.95,
        float_accuracy=0.95,
    )
    kept = store(io.BytesIO(b"what a teacher has learned"), "artifacts")
    facts = {"sha256": kept.sha256, "byte_count": kept.byte_count, "storage_key": kept.key}
    Artifact.objects.create(run=run, trial=late, name="checkpoint.keras", **facts)
    do_next(quantize)
    assert Path(engine.jobs["finish"]["teacher"]).read_bytes() == b"what a teacher has learned"
    run.refresh_from_db()
    assert run.quantization["final_training"]["teacher_trial"] == 2


def test_a_longer_training_that_gained_nothing_leaves_no_network(engine: InMemoryEngine, run: Run) -> None:
    engine.kept = False
    do_next(quantize)
    assert engine.jobs["quantize"]["checkpoint"] == engine.jobs["finish"]["checkpoint"]
    assert final_networks(run) == 0
    do_next(validate)
    assert engine.seen["trained.keras"] == b"as the trial left it"


def test_a_worker_without_the_published_weights_uses_the_trials_network(
    engine: InMemoryEngine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(run: Run, record: TrialRecord) -> dict[str, Any]:
        raise StepFailed("The published weights are not on this machine.")

    monkeypatch.setattr(quantize, "start_of", missing)
    do_next(quantize)
    assert "finish" not in engine.jobs
    run.refresh_from_db()
    assert run.status == R.VALIDATING
    assert "not trained for longer. The published weights" in run.quantization["final_training"]["sentence"]


@pytest.mark.parametrize(
    ("trial_s", "others", "cores_of_four", "at_the_trials_pace_s"),
    [(600.0, False, 4, 1.25 * 1080), (600.0, True, 2, 1080), (10.0, False, 2, 30)],
    ids=["idle", "another search is waiting", "too short to be worth a new process"],
)
def test_a_long_last_training_has_the_cores_that_nobody_uses(
    engine: InMemoryEngine,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    trial_s: float,
    others: bool,
    cores_of_four: int,
    at_the_trials_pace_s: float,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(4)))
    settings.WORKER_PROCESSES = 2
    Run.objects.filter(pk=run.pk).update(minutes=18)
    run.trials.update(seconds=trial_s)
    if others:
        order_step(kind=Step.Kind.TRIAL, subject=4711, rank=10**6)
    do_next(quantize)
    assert [engine.jobs[name]["threads"] for name in ("finish", "quantize")] == [cores_of_four] * 2
    assert engine.jobs["finish"]["most_seconds"] == pytest.approx(at_the_trials_pace_s)


def test_another_number_of_threads_takes_another_process(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    begun: list[int] = []

    class Process:
        jobs_done = 0

        def __init__(self, *, threads: int) -> None:
            begun.append(threads)

        def run(self, *of_job: Any) -> dict[str, Any]:
            return {}

        def resident_bytes(self) -> int:
            return 0

        def close(self) -> None:
            begun.append(0)

    monkeypatch.setattr(warm, "JobProcess", Process)
    settings.WORKER_PROCESSES = 10**6
    lender = warm.Engine()
    for threads in (None, None, 2, 2, None):
        lender.do_job("train", cast(Heartbeat, SimpleNamespace(report=None, wanted=None)), threads=threads)
    assert begun == [1, 0, 2, 0, 1]
