"""The one-way lives of everything that has a status: of two processes that move a row, exactly one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from marketplace.accounts.models import User
from marketplace.datasets import lifecycle as versions
from marketplace.errors import WrongState
from marketplace.imports import lifecycle as imports
from marketplace.moves import Arrows, Moving
from marketplace.runs import lifecycle as runs
from marketplace.runs.models import Trial
from tests.factories import make_run, make_user, make_version
from tests.marketplace.imports.brought import waiting_import

pytestmark = pytest.mark.django_db


class Life(NamedTuple):
    """A kind of row, how it moves, one move that ends it, and the columns that this fills."""

    make: Callable[[User], Any]
    move: Callable[..., bool]
    arrows: Arrows
    end: str
    sentence: str
    ended_at: str = "ended_at"


LIVES = {
    "import": Life(waiting_import, imports.move, imports.NEXT, "refused", "refusal"),
    "dataset version": Life(
        lambda owner: make_version(owner, status="checking", checked_at=None),
        versions.move,
        versions.NEXT,
        "refused",
        "refusal",
        "checked_at",
    ),
    "run": Life(
        lambda owner: make_run(owner, status="searching", ended_at=None), runs.move, runs.NEXT, "failed", "failure"
    ),
    "trial": Life(
        lambda owner: Trial.objects.create(run=make_run(owner), number=2),
        runs.move_trial,
        runs.TRIAL_NEXT,
        "cancelled",
        "error",
    ),
}
each_life = pytest.mark.parametrize("life", LIVES.values(), ids=list(LIVES))


def again(row: Moving) -> Any:
    return type(row).objects.get(pk=row.pk)


@each_life
def test_of_two_processes_exactly_one_moves_a_row(life: Life) -> None:
    row = life.make(make_user())
    late = again(row)
    assert life.move(row, life.end, **{life.sentence: "No."})
    before = dict(vars(late))
    assert not life.move(late, life.end, **{life.sentence: "Too late."})
    assert vars(late) == before, "the row in hand stays as it was read"
    assert getattr(again(row), life.sentence) == "No."


@each_life
def test_the_row_in_hand_is_what_the_database_holds(life: Life) -> None:
    row = life.make(make_user())
    assert life.move(row, life.end, **{life.sentence: "No."})
    for held in (row, again(row)):
        assert (held.status, getattr(held, life.sentence)) == (life.end, "No.")
        assert getattr(held, life.ended_at) is not None
    assert getattr(row, life.ended_at) == getattr(again(row), life.ended_at)


@each_life
def test_a_row_that_was_deleted_is_not_moved(life: Life) -> None:
    row = life.make(make_user())
    again(row).delete()
    assert not life.move(row, life.end)
    assert row.status != life.end


@each_life
def test_where_no_arrow_leads_nothing_is_written(life: Life) -> None:
    row = life.make(make_user())
    life.move(row, life.end)
    assert not life.arrows[life.end]
    for status in life.arrows:
        with pytest.raises(WrongState, match=f"is {life.end} and cannot become {status}"):
            life.move(row, status, **{life.sentence: "Changed."})
    assert getattr(again(row), life.sentence) == ""


@each_life
def test_every_status_has_its_arrows(life: Life) -> None:
    row = life.make(make_user())
    statuses = set(type(row).Status.values)
    assert set(life.arrows) == statuses
    assert {to for after in life.arrows.values() for to in after} <= statuses


def test_a_step_on_the_way_ends_nothing() -> None:
    run = make_run(make_user(), status="searching", ended_at=None)
    assert runs.move(run, "quantizing")
    assert (run.ended_at, again(run).ended_at) == (None, None)
