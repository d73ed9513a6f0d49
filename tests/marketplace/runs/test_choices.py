"""What the trials chose, what mattered, and the words at the end."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.runs.choices import Tried, choices_of, importances, title_of, tried_in, varying
from marketplace.runs.coordinates import MOST_AXES, coordinates_of
from marketplace.runs.models import Run, Trial
from marketplace.runs.summary import summary_of
from tests.factories import ARCHITECTURE, make_run
from tests.marketplace.clients import ReadingClient

T = Trial.Status


def tried(*rows: tuple[float, dict[str, Any]]) -> list[Tried]:
    return [Tried(number, accuracy, chosen) for number, (accuracy, chosen) in enumerate(rows, 1)]


WIDTH_DECIDES = tried(
    *((0.7 + 0.2 * (width == 1.0) + 0.01 * (head == 256), {"width": width, "head": head, "stage1_kernel": 3})
      for width in (0.5, 1.0)
      for head in (128, 256, 512))
)  # fmt: skip


def test_only_choices_that_differed_are_told() -> None:
    assert varying(WIDTH_DECIDES) == ["width", "head"]


def test_the_choice_that_decides_explains_nearly_everything_and_one_that_does_not_nothing() -> None:
    found = importances(WIDTH_DECIDES)
    assert [each.name for each in found] == ["width"]
    assert found[0].share > 0.95
    assert found[0].best_value == "1"


def test_a_choice_that_was_different_in_every_trial_explains_nothing_that_could_be_told_from_chance() -> None:
    each_other = tried(*((0.5 + 0.05 * number, {"width": number}) for number in range(8)))
    assert importances(each_other) == []


def test_too_few_trials_say_nothing_of_importance() -> None:
    assert importances(WIDTH_DECIDES[:4]) == []


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("resolution", "picture size, px"),
        ("stage3_expansion", "stage 3: expansion"),
        ("stage2_block1_kind", "stage 2, block 1: kind of block"),
        ("stage4_filters", "stage 4: channels"),
        ("stem_kernel", "stem kernel"),
        ("", ""),
    ],
)
def test_choices_have_names_for_people(name: str, title: str) -> None:
    assert title_of(name) == title


@pytest.mark.parametrize("architecture", [None, {}, [], {"choices": None}, {"choices": {}}, {"choices": [1]}, "x"])
def test_an_architecture_without_choices_has_none(architecture: Any) -> None:
    assert choices_of(architecture) == {}


def test_every_trial_is_a_line_through_all_axes_and_the_best_lies_on_top() -> None:
    drawn = coordinates_of(WIDTH_DECIDES, best=5)
    assert drawn is not None
    assert [axis.what for axis in drawn.axes] == ["width", "last channels", "int8 accuracy"]
    assert all(len(line.points.split()) == 3 for line in drawn.lines)
    assert [line.best for line in drawn.lines] == [False] * 5 + [True]
    assert "Trial 5: 91.0 % int8" in drawn.lines[-1].title


def test_of_trials_that_are_equally_accurate_the_one_that_the_run_calls_best_is_marked() -> None:
    drawn = coordinates_of(tried((0.9, {"width": 1.0}), (0.9, {"width": 0.5}), (0.8, {"width": 0.3})), best=2)
    assert drawn is not None
    assert [(line.number, line.best) for line in drawn.lines] == [(3, False), (1, False), (2, True)]


def test_larger_values_stand_higher_and_unknown_ones_lowest() -> None:
    drawn = coordinates_of(tried((0.7, {"width": 0.5}), (0.8, {"width": 1.0}), (0.6, {"head": 128})))
    assert drawn is not None
    heights = {mark.label: mark.y for mark in drawn.axes[0].marks}
    assert heights["1"] < heights["0.5"] < heights["–"]


def test_a_space_of_many_choices_shows_few_and_counts_the_others() -> None:
    many = tried(*((0.5 + 0.1 * row, {f"stage{n}_kernel": 3 + row for n in range(20)}) for row in range(3)))
    drawn = coordinates_of(many)
    assert drawn is not None
    assert (len(drawn.axes), drawn.left_out) == (MOST_AXES + 1, 20 - MOST_AXES)


@pytest.mark.parametrize("rows", [[], [(0.5, {"width": 1})], [(0.5, {"width": 1}), (0.6, {"width": 1})]])
def test_nothing_is_drawn_of_trials_that_do_not_differ(rows: list[Any]) -> None:
    assert coordinates_of(tried(*rows)) is None


def trials(*accuracies: float | None, latency_ms: float = 2.0) -> list[Trial]:
    return [
        Trial(
            pk=number,
            number=number,
            status=T.FAILED if accuracy is None else T.DONE,
            validation_accuracy=accuracy,
            estimate={"latency_ms": latency_ms},
            architecture={"family": "x", "choices": {"width": number}},
        )
        for number, accuracy in enumerate(accuracies, 1)
    ]


def words(rows: list[Trial], limit_ms: float = 3.0) -> str:
    return " ".join(summary_of(Run(latency_limit_ms=limit_ms), rows))


def test_the_summary_tells_how_much_was_tried_and_what_came_out() -> None:
    text = words(trials(0.8, None, 0.9))
    assert "2 networks were trained and judged, 1 more failed." in text
    assert "The best, trial 3, is right on 90.0 % of the validation pictures and takes 2.00 ms by estimate." in text


def test_the_summary_says_whether_more_trials_are_worth_it() -> None:
    assert "The last trial was still the best" in words(trials(0.7, 0.8, 0.9))
    assert "After trial 1, 2 more brought nothing better." in words(trials(0.9, 0.8, 0.7))


def test_the_summary_says_that_pictures_which_are_all_right_cannot_show_a_better_network() -> None:
    assert "only more pictures could tell" in words(trials(0.7, 1.0, 0.9))


def test_the_summary_says_whether_the_limit_held_the_accuracy_back() -> None:
    assert "a higher limit" in words(trials(0.9, latency_ms=2.9))
    assert "only 33.3 % of the time you allow" in words(trials(0.9, latency_ms=1.0))
    assert "the time you allow" not in words(trials(0.9, latency_ms=2.2))


def test_nothing_is_said_of_a_search_in_which_nothing_ended_well() -> None:
    assert summary_of(Run(latency_limit_ms=3), trials(None, None)) == []


def test_trials_without_accuracy_or_choices_are_left_out() -> None:
    rows = trials(0.8, None)
    rows.append(Trial(number=3, status=T.DONE, validation_accuracy=0.9, architecture={}))
    assert [each.number for each in tried_in(rows)] == [1]


def test_the_page_shows_lines_reasons_and_the_summary(
    client: ReadingClient, owner: User, version: DatasetVersion
) -> None:
    run = make_run(owner, version)
    for number, width in ((2, 0.5), (3, 1.0)):
        Trial.objects.create(
            run=run,
            number=number,
            status=T.DONE,
            architecture={"family": "efficientnet_edgetpu", "choices": {"width": width}},
            architecture_key=f"k{number}",
            estimate={"latency_ms": 1.0},
            validation_accuracy=0.5 + width / 10,
            proposal={"reason": "Unlike what was tried <so far>."},
            metrics={"epochs": 17},
        )
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert len(re.findall("<polyline", page)) == 2
    assert "Unlike what was tried &lt;so far&gt;." in page
    assert '<td class="number">17</td>' in page
    assert "3 networks were trained and judged." in page


def test_a_running_trial_says_why_it_is_tried(client: ReadingClient, owner: User, version: DatasetVersion) -> None:
    run = make_run(owner, version, status=Run.Status.SEARCHING)
    Trial.objects.create(run=run, number=2, status=T.RUNNING, proposal={"reason": "To learn what 1 ms can do."})
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert "<strong>Why trial 2?</strong> To learn what 1 ms can do." in page
    assert "Best so far: trial 1, 88.0 % int8" in page


def test_more_trials_are_ordered_on_the_page_and_by_programs(
    client: ReadingClient, owner: User, version: DatasetVersion
) -> None:
    run = make_run(owner, version)
    assert 'name="trials"' in client.get(f"/runs/{run.pk}/").content.decode()
    client.post(f"/runs/{run.pk}/trials", {"trials": "3"})
    run.refresh_from_db()
    assert (run.status, run.trials_wanted) == (Run.Status.SEARCHING, 7)
    answer: Any = client.post(f"/runs/{run.pk}/trials", {"trials": "3"}, follow=True)
    assert "This one is not." in answer.body.decode()


def test_another_network_is_chosen_on_the_page_and_by_programs(
    client: ReadingClient, owner: User, version: DatasetVersion
) -> None:
    run = make_run(owner, version)
    Trial.objects.create(
        run=run,
        number=9,
        status=T.DONE,
        validation_accuracy=0.5,
        float_accuracy=0.5,
        architecture=ARCHITECTURE,
        architecture_key="another",
        estimate={"latency_ms": 0.4},
    )
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert "Trial 9: 50.0 % int8, 0.40 ms estimated" in page
    answer: Any = client.post(f"/runs/{run.pk}/choose", {"trial": "x"}, follow=True)
    assert "Choose a trial of this run that ended well." in answer.body.decode()
    client.post(f"/runs/{run.pk}/choose", {"trial": "9"})
    run.refresh_from_db()
    assert run.best_trial is not None
    assert (run.status, run.best_trial.number) == (Run.Status.QUANTIZING, 9)
    assert "Files of another network" not in client.get(f"/runs/{run.pk}/").content.decode()
    Run.objects.filter(pk=run.pk).update(status=Run.Status.DONE, ended_at=timezone.now())
    chosen = client.get(f"/runs/{run.pk}/").content.decode()
    assert '<span class="badge ok">chosen</span>' in chosen
    assert "The network that was chosen, trial 9, is right on 50.0 %" in chosen


def test_the_page_says_that_added_trials_use_the_test_pictures_again(
    client: ReadingClient, owner: User, version: DatasetVersion
) -> None:
    once = client.get(f"/runs/{make_run(owner, version, networks_tested=1).pk}/").content.decode()
    assert "the same test pictures then judge that one too" in once
    assert "These pictures have judged" not in once
    again = client.get(f"/runs/{make_run(owner, version, networks_tested=2).pk}/").content.decode()
    assert "These pictures have judged 2 networks of this run" in again


@pytest.mark.parametrize("typed", ["", "x", "-1", "0", "9" * 30])
def test_a_number_of_trials_that_is_none_is_refused_in_words(
    client: ReadingClient, owner: User, version: DatasetVersion, typed: str
) -> None:
    run = make_run(owner, version)
    answer: Any = client.post(f"/runs/{run.pk}/trials", {"trials": typed}, follow=True)
    assert "at least 1 trial" in answer.body.decode()
    run.refresh_from_db()
    assert run.status == Run.Status.DONE
