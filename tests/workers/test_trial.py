"""A trial's step: which network it trains, what it begins with, and when none starts any more."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from marketplace.catalog.retraining import order_retraining
from marketplace.runs.models import Artifact, Run, Trial
from marketplace.runs.services import order_run
from marketplace.runs.specs import history_of
from marketplace.storage import open_stored, store
from marketplace.work import lifecycle
from models.architecture import Architecture
from models.backbones import FOLDER_VARIABLE
from tests.factories import ARCHITECTURE, make_release, make_user, make_version
from workers.errors import StepFailed
from workers.heartbeat import Heartbeat
from workers.steps import trial as step
from workers.steps.parents import parent_of
from workers.steps.trial import TIME_IS_UP
from workers.tidying import tidy

pytestmark = pytest.mark.django_db(transaction=True)  # the heartbeat writes from a thread of its own

BACKBONE = "tf2_mobilenet_v2_1.0_224_ptq"
OUTCOME = {"validation_accuracy": 0.9, "float_accuracy": 0.91, "seconds": 3.0, "metrics": {"epochs": 4}, "files": {}}
CHOSEN = {
    "architecture": ARCHITECTURE,
    "key": "chosen",
    "estimate": {"latency_ms": 1.0},
    "proposal": {"reason": "To learn what 1 ms can do.", "expected_gain": 0.01},
}


class InMemoryEngine:
    """A job process that proposes and trains at once."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, dict[str, Any]]] = []
        self.proposal: dict[str, Any] = CHOSEN

    def do_job(self, name: str, heartbeat: Heartbeat, **job: Any) -> dict[str, Any]:
        self.jobs.append((name, job))
        return dict(self.proposal if name == "propose" else OUTCOME)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> InMemoryEngine:
    settings.DATA_DIR = tmp_path
    made = InMemoryEngine()
    monkeypatch.setattr(step, "do_job", made.do_job)
    monkeypatch.setattr(step, "pictures_of", lambda run: {})
    return made


@pytest.fixture(autouse=True)
def nothing_to_begin_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "weights"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def ordered(**changes: Any) -> Run:
    person = make_user()
    limits = {"latency_limit_ms": 3.0, "device": "devboard", "onchip_limit_bytes": 7 * 2**20}
    asked: dict[str, Any] = {"trials": 2, "image_px": 64, **limits, **changes}
    return order_run(owner=person, dataset_version=make_version(person), **asked)


def retrained(**changes: Any) -> Run:
    person = make_user()
    release = make_release(make_user("reef"), "corals")
    version = make_version(person)
    return order_retraining(owner=person, release=release, dataset_version=version, device="devboard", **changes)


def do_next_step() -> None:
    lease = lifecycle.claim("cpu", "worker")
    assert lease is not None
    with Heartbeat(lease) as heartbeat:
        step.run(lease, heartbeat)


def test_a_trial_writes_down_why_its_network_is_tried(engine: InMemoryEngine) -> None:
    run = ordered()
    do_next_step()
    trial = run.trials.get(number=1)
    assert (trial.status, trial.proposal, trial.metrics) == (Trial.Status.DONE, CHOSEN["proposal"], {"epochs": 4})
    assert [name for name, _ in engine.jobs] == ["propose", "train"]
    assert engine.jobs[-1][1]["parent"] == ""


def test_a_search_that_the_engine_ends_says_why(engine: InMemoryEngine) -> None:
    run = ordered()
    do_next_step()
    engine.proposal = {"stopped": "No further network is expected to gain anything."}
    do_next_step()
    assert run.trials.get(number=2).error == "No further network is expected to gain anything."
    run.refresh_from_db()
    assert run.status == Run.Status.QUANTIZING


def test_no_network_is_chosen_after_the_minutes_are_over(engine: InMemoryEngine) -> None:
    run = ordered(minutes=5)
    do_next_step()
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(minutes=6))
    do_next_step()
    assert run.trials.get(number=2).error == TIME_IS_UP.format(minutes=5)
    assert [name for name, _ in engine.jobs] == ["propose", "train"]


def test_the_first_trial_of_a_retraining_trains_the_parents_network_from_its_file(engine: InMemoryEngine) -> None:
    run = retrained(trials=2)
    do_next_step()
    (name, job), *further = engine.jobs
    assert (name, further) == ("train", [])
    assert Architecture.from_json(job["architecture"]) == Architecture.from_json(ARCHITECTURE)
    parent = Path(job["parent"])
    with open_stored(run.parent["storage_key"]) as published:
        assert parent.read_bytes() == published.read()
    assert Architecture.from_json(json.loads(parent.with_name("architecture.json").read_text()))


def test_a_parents_copy_goes_once_no_run_needs_it(engine: InMemoryEngine) -> None:
    run = retrained()
    folder = Path(parent_of(run)).parent
    assert folder not in tidy()
    Run.objects.filter(pk=run.pk).update(status=Run.Status.DONE)
    assert folder in tidy()
    assert not folder.exists()


def test_a_trial_begins_with_what_another_one_of_its_run_has_learned(engine: InMemoryEngine) -> None:
    run = ordered()
    do_next_step()
    kept = store(io.BytesIO(b"learned"), "artifacts")
    facts = {"sha256": kept.sha256, "byte_count": kept.byte_count, "storage_key": kept.key}
    Artifact.objects.create(run=run, trial=run.trials.get(number=1), name="checkpoint.keras", **facts)
    begins = {"reason": "It begins with trial 1.", "parent": 1, "teacher": 1}
    engine.proposal = {**CHOSEN, "key": "other", "proposal": begins}
    do_next_step()
    parent = Path(engine.jobs[-1][1]["parent"])
    assert engine.jobs[-1][1]["teacher"] == str(parent)
    assert parent.read_bytes() == b"learned"
    assert Architecture.from_json(json.loads(parent.with_name("architecture.json").read_text()))
    assert (history_of(run)[1].parent, history_of(run)[1].teacher) == (1, 1)
    assert parent.parent not in tidy(), "its longer training begins with it, too"
    Run.objects.filter(pk=run.pk).update(status=Run.Status.DONE)
    assert parent.parent in tidy()


def test_published_weights_are_found_on_this_machine(engine: InMemoryEngine, tmp_path: Path) -> None:
    run = ordered(backbone=BACKBONE)
    file = tmp_path / "weights" / f"{BACKBONE}.tflite"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    assert parent_of(run) == str(file)


def test_published_weights_that_cannot_be_had_end_the_trial_with_a_sentence(
    engine: InMemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setattr("models.backbones._ATTEMPTS", 1)
    with pytest.raises(StepFailed, match=FOLDER_VARIABLE):
        parent_of(ordered(backbone=BACKBONE))
