"""A step is done by one worker at a time, and never lost."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from marketplace.errors import LeaseLost
from marketplace.work import lifecycle
from marketplace.work.models import Event, Step
from marketplace.work.services import order_step, tell

pytestmark = pytest.mark.django_db


def a_step(**changes: object) -> Step:
    return Step.objects.create(**{"kind": Step.Kind.TRIAL, "subject": 1, **changes})  # type: ignore[misc]


def let_the_lease_run_out(step_id: int) -> None:
    Step.objects.filter(pk=step_id).update(lease_until=timezone.now() - timedelta(seconds=1))


def claim() -> lifecycle.Lease:
    lease = lifecycle.claim("cpu", "worker-a")
    assert lease is not None
    return lease


def test_a_step_is_ordered_once() -> None:
    first = order_step(kind=Step.Kind.TRIAL, subject=7)
    assert order_step(kind=Step.Kind.TRIAL, subject=7) == first
    assert Step.objects.count() == 1


def test_a_step_that_has_ended_is_done_anew_when_it_is_ordered_again() -> None:
    step = order_step(kind=Step.Kind.QUANTIZE, subject=7)
    first = claim()
    order_step(kind=Step.Kind.QUANTIZE, subject=7)
    step.refresh_from_db()
    assert step.status == Step.Status.LEASED
    with lifecycle.finishing(first):
        pass
    order_step(kind=Step.Kind.QUANTIZE, subject=7)
    again = claim()
    assert (again.step_id, again.attempts) == (first.step_id, 1)
    assert again.fence > first.fence
    assert not lifecycle.renew(first)


def test_a_claimed_step_is_not_claimed_again() -> None:
    a_step()
    assert claim().attempts == 1
    assert lifecycle.claim("cpu", "worker-b") is None


def test_a_worker_gets_only_what_it_has_the_means_for() -> None:
    a_step(needs=Step.Needs.COMPILER)
    assert lifecycle.claim("cpu", "worker-a") is None
    assert lifecycle.claim("compiler", "worker-b") is not None


def test_the_lowest_rank_goes_first() -> None:
    a_step(subject=1, rank=2)
    a_step(subject=2, rank=1)
    assert claim().subject == 2


def test_a_silent_step_waits_again_and_its_old_holder_cannot_write() -> None:
    step = a_step()
    old = claim()
    let_the_lease_run_out(step.pk)
    assert lifecycle.expire_leases() == []
    new = claim()
    assert new.fence > old.fence
    assert not lifecycle.renew(old, {"epoch": 3})
    with pytest.raises(LeaseLost), lifecycle.finishing(old):
        tell(Event.About.RUN, 1, "written by a worker that was thought dead")
    assert not Event.objects.exists()
    with lifecycle.finishing(new):
        tell(Event.About.RUN, 1, "written by its successor")
    step.refresh_from_db()
    assert step.status == Step.Status.DONE
    assert [event.text for event in Event.objects.all()] == ["written by its successor"]


def test_a_result_and_its_step_are_stored_together_or_not_at_all() -> None:
    step = a_step()
    lease = claim()

    def write_half_a_result() -> None:
        with lifecycle.finishing(lease):
            tell(Event.About.RUN, 1, "half a result")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half_a_result()
    step.refresh_from_db()
    assert step.status == Step.Status.LEASED
    assert not Event.objects.exists()


def test_a_cancelled_step_tells_its_holder_at_the_next_heartbeat() -> None:
    a_step()
    lease = claim()
    assert lifecycle.renew(lease)
    assert lifecycle.cancel(Q(subject=1)) == 1
    assert not lifecycle.renew(lease)


def test_a_step_that_fell_silent_too_often_is_handed_over_to_be_failed(settings: object) -> None:
    settings.MAX_ATTEMPTS = 2  # type: ignore[attr-defined]
    step = a_step()
    for _ in range(2):
        claim()
        let_the_lease_run_out(step.pk)
        worn_out = lifecycle.expire_leases()
    assert [row.pk for row in worn_out] == [step.pk]
    lease = lifecycle.take_over(worn_out[0], "reaper")
    assert lease is not None
    with lifecycle.failing(lease, "gave up"):
        pass
    step.refresh_from_db()
    assert (step.status, step.error) == (Step.Status.FAILED, "gave up")


def test_a_step_given_back_does_not_count_as_tried() -> None:
    step = a_step()
    assert lifecycle.release(claim())
    step.refresh_from_db()
    assert (step.status, step.attempts) == (Step.Status.WAITING, 0)


def test_a_step_that_broke_counts_as_tried() -> None:
    step = a_step()
    assert lifecycle.retry(claim())
    step.refresh_from_db()
    assert (step.status, step.attempts) == (Step.Status.WAITING, 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_claim_at_once_each_gets_another_step() -> None:
    for subject in range(12):
        a_step(subject=subject)
    taken: list[int] = []
    barrier = threading.Barrier(6)

    def work() -> None:
        barrier.wait()
        while (lease := lifecycle.claim("cpu", threading.current_thread().name)) is not None:
            taken.append(lease.step_id)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 12
