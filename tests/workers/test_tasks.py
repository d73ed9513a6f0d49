"""However a step ends, its row says so, and its run goes on or says why not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.devices.services import announce_worker
from marketplace.errors import LeaseLost
from marketplace.runs.models import Run
from marketplace.work import lifecycle
from marketplace.work.models import Event, Step
from tests.factories import make_run, make_user
from workers import steps, tasks
from workers.errors import JobBroken, StepFailed
from workers.heartbeat import Heartbeat

pytestmark = pytest.mark.django_db(transaction=True)  # the heartbeat writes from a thread of its own


class InMemoryHandler:
    """A kind of step that does what a test asks of it."""

    def __init__(self, act: Callable[[lifecycle.Lease], None]) -> None:
        self.act = act
        self.failed: list[tuple[int, str]] = []

    def run(self, lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
        self.act(lease)

    def fail(self, subject: int, sentence: str) -> None:
        self.failed.append((subject, sentence))


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[lifecycle.Lease], None]], InMemoryHandler]:
    def use(act: Callable[[lifecycle.Lease], None]) -> InMemoryHandler:
        made = InMemoryHandler(act)
        monkeypatch.setattr(tasks, "HANDLERS", {Step.Kind.VALIDATE: made})
        return made

    return use


def raising(error: Exception) -> Callable[[Any], None]:
    def act(lease: lifecycle.Lease) -> None:
        raise error

    return act


def a_step() -> Step:
    return Step.objects.create(kind=Step.Kind.VALIDATE, subject=5)


def test_a_step_that_ends_well_is_done(handler: Any) -> None:
    def act(lease: lifecycle.Lease) -> None:
        with lifecycle.finishing(lease):
            pass

    handler(act)
    step = a_step()
    tasks.work("cpu")
    step.refresh_from_db()
    assert step.status == Step.Status.DONE


def test_a_sentence_ends_the_step_for_good(handler: Any) -> None:
    used = handler(raising(StepFailed("The network did not converge.")))
    step = a_step()
    tasks.work("cpu")
    step.refresh_from_db()
    assert (step.status, step.error) == (Step.Status.FAILED, "The network did not converge.")
    assert used.failed == [(5, "The network did not converge.")]


def test_a_fault_is_tried_again_and_given_up_in_the_end(handler: Any, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 3
    used = handler(raising(JobBroken("signal 9")))
    step = a_step()
    for tries in (1, 2):
        tasks.work("cpu")
        step.refresh_from_db()
        assert (step.status, step.attempts) == (Step.Status.WAITING, tries)
    tasks.work("cpu")
    step.refresh_from_db()
    assert step.status == Step.Status.FAILED
    assert "broke 3 times" in used.failed[0][1]


def test_a_step_of_another_worker_is_left_alone(handler: Any) -> None:
    used = handler(raising(LeaseLost("cancelled")))
    step = a_step()
    tasks.work("cpu")
    step.refresh_from_db()
    assert step.status == Step.Status.LEASED  # whoever cancelled or took it over has written the row
    assert used.failed == []


def test_the_reaper_takes_silent_work_back(handler: Any) -> None:
    step = a_step()
    lifecycle.claim("cpu", "a worker that was killed")
    Step.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.reap()
    step.refresh_from_db()
    assert step.status == Step.Status.WAITING


def test_a_run_goes_on_when_the_worker_with_the_compiler_leaves() -> None:
    run = make_run(make_user(), status=Run.Status.COMPILING, compilation={})
    Step.objects.create(kind=Step.Kind.COMPILE, subject=run.pk, needs=Step.Needs.COMPILER)
    announce_worker(name="with-compiler", compiler="16.0.384591198", edge_tpus=[])
    tasks.reap()
    run.refresh_from_db()
    assert run.status == Run.Status.COMPILING
    announce_worker(name="with-compiler", compiler="", edge_tpus=[])
    tasks.reap()
    run.refresh_from_db()
    assert run.status == Run.Status.VALIDATING
    assert run.compilation["state"] == "not_compiled"
    assert Event.objects.filter(subject=run.pk, text__startswith="Not compiled").exists()


def test_every_kind_of_step_has_a_handler() -> None:
    assert set(steps.HANDLERS) == set(Step.Kind)
