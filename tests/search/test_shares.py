"""Who is trained for longer at the end of a search without the site, and with how much of the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search.minutes import speed_up
from search.shares import Share, shares_of
from search.trial import TrialRecord, TrialState
from tests.search.specs import TUNED
from tests.search.test_distillation import network

SPEC = replace(TUNED, objective="front", minutes=30)
WHOLE = TrialRecord(
    1, network(128), TrialState.DONE, 0.9, 0.9, latency_ms=1.2, seconds=730.0, rung_accuracies=(0.8, 0.9)
)
CUT = replace(WHOLE, number=2, architecture=network(64, 0.5), validation_accuracy=0.8, latency_ms=0.5, seconds=366.0)


def test_the_only_network_that_is_trained_for_longer_has_all_of_the_machine() -> None:
    assert shares_of(SPEC, [WHOLE, CUT], 2, passed_s=750) == [Share(1, 0.0), Share(2, pytest.approx(3 * 366))]
    assert shares_of(replace(SPEC, minutes=None), [CUT], 2, passed_s=750) == [Share(2, None)]


def test_with_all_of_the_machine_it_fits_in_where_it_did_not() -> None:
    taught = replace(CUT, seconds=750.0, teacher=1)
    assert shares_of(SPEC, [WHOLE, taught], 1, passed_s=750) == [Share(1, 0.0), Share(1, 0.0)]
    found = shares_of(SPEC, [WHOLE, taught], 2, passed_s=750)
    assert found == [Share(1, 0.0), Share(2, pytest.approx(1050 * speed_up(SPEC, taught, 2)))]
    assert speed_up(SPEC, taught, 2) > speed_up(SPEC, CUT, 2) == speed_up(SPEC, replace(WHOLE, teacher=3), 2) > 1


def test_who_has_time_with_one_thread_comes_before_who_needs_all() -> None:
    slow, quick = replace(WHOLE, seconds=720.0), replace(CUT, seconds=60.0)
    assert shares_of(SPEC, [slow, quick], 2, passed_s=750) == [Share(1, 0.0), Share(2, pytest.approx(180))]
    assert shares_of(SPEC, [slow], 2, passed_s=750) == [Share(2, pytest.approx(1050 * speed_up(SPEC, slow, 2)))]


def test_two_of_them_share_it() -> None:
    quick = replace(WHOLE, seconds=300.0)
    assert shares_of(SPEC, [quick, CUT], 2, passed_s=750) == [Share(1, 900.0), Share(1, 1050.0)]
    assert shares_of(replace(SPEC, minutes=None), [quick, CUT], 2, passed_s=750) == [Share(1, None), Share(1, None)]
    one_by_one = shares_of(SPEC, [replace(quick, seconds=150.0), replace(CUT, seconds=150.0)], 1, passed_s=750)
    assert one_by_one == [Share(1, 450.0), Share(1, 450.0)]


def test_where_nothing_is_trained_files_are_made_side_by_side() -> None:
    assert shares_of(SPEC, [WHOLE, CUT], 2, passed_s=1800) == [Share(1, 0.0), Share(1, 0.0)]
    assert shares_of(SPEC, [WHOLE], 2, passed_s=1800) == [Share(2, 0.0)]


def test_one_alone_is_trained_where_it_promises_more_than_several_beside_each_other() -> None:
    middle = replace(WHOLE, number=4, architecture=network(96), latency_ms=0.93, seconds=232.0)
    slow = replace(CUT, number=3, latency_ms=0.58, seconds=590.0, teacher=1)
    tiny = replace(CUT, number=6, latency_ms=0.47, seconds=295.0, teacher=1)
    best = replace(WHOLE, seconds=570.0)
    found = shares_of(SPEC, [best, middle, slow, tiny], 2, passed_s=1170)
    assert [share.threads for share in found if share.seconds] == [2]
    assert found[2].seconds == pytest.approx(630 * speed_up(SPEC, slow, 2))
    near = replace(slow, latency_ms=0.85)
    beside = shares_of(SPEC, [best, middle, near, tiny], 2, passed_s=1170)
    assert [bool(share.seconds) for share in beside] == [False, True, False, True], "hardly faster than the next one"
    assert {share.threads for share in beside} == {1}
