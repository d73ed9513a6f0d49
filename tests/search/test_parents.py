"""Which finished trial a new network begins with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.architecture import Architecture
from models.backbones import BACKBONES
from models.families import FAMILIES
from search.parents import parent_of
from search.propose import Proposal, next_proposal
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState

SPEC = SearchSpec(classes=3, image_px=32, latency_limit_ms=1.0, device="devboard", training_pictures=300)
FAMILY = FAMILIES["efficientnet_edgetpu"]


def network(width: float) -> Architecture:
    """Return one shape at a width."""
    chosen = {name: values[-1] for name, values in FAMILY.choices(32).items()}
    return FAMILY.build({**chosen, "width": width})


def trial(number: int, width: float, accuracy: float | None, state: TrialState = TrialState.DONE) -> TrialRecord:
    rungs = () if accuracy is None else (accuracy / 2, accuracy)
    return TrialRecord(number, network(width), state, accuracy, accuracy, 0.5, rung_accuracies=rungs)


def test_a_network_begins_with_the_best_finished_one_that_is_at_least_as_large() -> None:
    history = [trial(1, 1.0, 0.8), trial(2, 0.8, 0.9), trial(3, 0.5, 0.95)]
    assert parent_of(SPEC, history, network(0.65)) == 2
    assert parent_of(SPEC, history, network(0.35)) == 3
    assert parent_of(SPEC, history, network(1.0)) == 1
    assert parent_of(SPEC, history, network(1.2)) is None


@pytest.mark.parametrize(
    "useless",
    [
        trial(1, 1.0, None, TrialState.RUNNING),
        trial(1, 1.0, None, TrialState.FAILED),
        replace(trial(1, 1.0, 0.9), rung_accuracies=(0.9,)),
        replace(trial(1, 1.0, 0.9), architecture=next(iter(FAMILIES["mobilenet_v2"].published.values()))),
        replace(trial(1, 1.0, 0.9), architecture=next(iter(FAMILIES["inception_v3"].published.values()))),
    ],
)
def test_what_has_not_learned_to_its_end_or_is_of_another_kind_hands_nothing_on(useless: TrialRecord) -> None:
    assert parent_of(SPEC, [useless], network(0.5)) is None


def test_published_weights_and_an_order_that_says_so_are_begun_with_alone() -> None:
    history = [trial(1, 1.0, 0.8)]
    published = replace(SPEC, families=("mobilenet_v2",), backbone=next(iter(BACKBONES)))
    for spec in (published, replace(SPEC, from_trials=False)):
        assert parent_of(spec, history, network(0.5)) is None


def test_a_proposal_says_what_it_begins_with() -> None:
    first = next_proposal(SPEC, [])
    assert isinstance(first, Proposal)
    assert first.parent is None
    history = [TrialRecord(1, first.architecture, TrialState.DONE, 0.8, 0.8, 0.5, rung_accuracies=(0.5, 0.8))]
    later = [next_proposal(replace(SPEC, seed=seed), history) for seed in range(6)]
    begun = [each for each in later if isinstance(each, Proposal) and each.parent == 1]
    assert begun
    assert all(each.reason.endswith("It begins with what trial 1 has learned.") for each in begun)
