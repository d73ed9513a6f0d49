from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgetpu.rules import map_ops
from models.backbones import BACKBONES
from search.correction import correction_of
from search.cost import cost_of, is_published
from search.problem import Goal
from search.propose import Proposal, Stopped, next_proposal, propose
from search.recipe import RECIPES, recipe_of
from search.space import holds_limits, limits_of
from search.spaces import spaces_of
from search.spec import SearchSpec, longest_trial_minutes
from search.trial import TrialRecord, TrialState

SPEC = SearchSpec(classes=10, image_px=32, latency_limit_ms=0.6, device="devboard", training_pictures=1257)
FAMILIES_TOGETHER = [
    ("efficientnet_edgetpu",),
    ("mobilenet_v2", "efficientnet_edgetpu"),
    ("mobilenet_edgetpu_v2",),
    ("mobilenet_v1",),
]
STATES = st.sampled_from(list(TrialState))


def _run(spec: SearchSpec, states: list[TrialState], accuracies: list[float]) -> list[TrialRecord]:
    """Propose as often as there are states; each trial ends in its state, with its accuracy if it is done."""
    history: list[TrialRecord] = []
    for number, (state, accuracy) in enumerate(zip(states, accuracies, strict=True), 1):
        architecture = propose(spec, history)
        if architecture is None:
            break
        history.append(TrialRecord(number, architecture, state, accuracy if state == TrialState.DONE else None))
    return history


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    families=st.sampled_from(
        [
            ("efficientnet_edgetpu",),
            ("mobilenet_v2", "efficientnet_edgetpu"),
            ("mobilenet_edgetpu_v2",),
            ("mobilenet_v1",),
        ]
    ),
    objective=st.sampled_from(list(Goal)),
    device=st.sampled_from(["devboard", "usb3", "usb2"]),
    slack=st.floats(1.0, 3.0),
    memory=st.floats(1.0, 30.0),
    extra_ops=st.integers(0, 20),
    seed=st.integers(0, 1000),
    outcomes=st.lists(st.tuples(STATES, st.floats(0.0, 1.0)), min_size=4, max_size=6),
)
def test_no_proposal_breaks_a_limit_and_none_comes_twice(
    families: tuple[str, ...],
    objective: Goal,
    device: str,
    slack: float,
    memory: float,
    extra_ops: int,
    seed: int,
    outcomes: list[tuple[TrialState, float]],
) -> None:
    least = limits_of(replace(SPEC, device=device, families=families))
    spec = replace(
        SPEC,
        families=families,
        objective=objective,
        device=device,
        latency_limit_ms=least.fastest_ms * slack,
        onchip_limit_bytes=int(least.fewest_onchip_bytes * memory),
        max_ops=least.fewest_ops + extra_ops,
        seed=seed,
    )
    history = _run(spec, [state for state, _ in outcomes], [accuracy for _, accuracy in outcomes])
    for record in history:
        cost = cost_of(spec, record.architecture)
        assert cost.latency_ms <= spec.latency_limit_ms
        assert cost.onchip_bytes <= spec.onchip_limit_bytes
        assert cost.streamed_bytes == 0
        assert cost.ops <= (spec.max_ops or 0)
        assert all(verdict.mapped for verdict in map_ops(record.architecture.graph(spec.classes)))
    assert len({record.architecture.key for record in history}) == len(history)


def test_the_same_history_and_seed_give_the_same_proposal() -> None:
    history = _run(SPEC, [TrialState.DONE] * 4, [0.5, 0.6, 0.7, 0.65])
    one, other = propose(SPEC, history), propose(SPEC, list(history))
    assert one == other
    assert propose(SPEC, history[:1]) != propose(replace(SPEC, seed=1), history[:1])


def test_two_workers_that_ask_at_once_train_different_networks() -> None:
    history = _run(SPEC, [TrialState.RUNNING, TrialState.PENDING, TrialState.RUNNING], [0, 0, 0])
    assert len({record.architecture.key for record in history}) == 3


def test_the_first_network_is_a_proven_shape_at_the_highest_resolution() -> None:
    first = propose(replace(SPEC, latency_limit_ms=3), [])
    assert first is not None
    assert first.image_px == 32
    assert first.blocks[0].kind == "fused"


def test_nothing_is_proposed_once_everything_within_the_limits_was_tried() -> None:
    least = limits_of(SPEC)
    spec = replace(SPEC, latency_limit_ms=least.fastest_ms + 1e-9)
    history = _run(spec, [TrialState.DONE] * 40, list(np.linspace(0.1, 0.9, 40)))
    assert 1 <= len(history) < 40
    assert all(holds_limits(spec, record.architecture) for record in history)


def test_a_trial_of_another_space_is_learned_from_and_not_proposed_again() -> None:
    spec = replace(SPEC, latency_limit_ms=2)
    first = propose(spec, [])
    assert first is not None
    stranger = TrialRecord(1, replace(first, choices={}), TrialState.DONE, 0.9)
    following = propose(spec, [stranger, replace(stranger, number=2, state=TrialState.FAILED)])
    assert following is not None
    assert following.key != first.key


@pytest.mark.parametrize("seed", [0])
def test_twelve_trials_find_better_networks_than_twelve_random_ones(seed: int) -> None:
    """Accuracy is made up: it grows with computation and resolution, and wants 3×3 kernels late."""
    spec = replace(SPEC, latency_limit_ms=2, trials=12, seed=seed)

    def made_up(record: TrialRecord) -> float:
        cost, late = cost_of(spec, record.architecture), record.architecture.blocks[-1]
        return 0.1 * np.log10(cost.macs) - 0.02 * (late.kernel == 5) + 0.05 * record.architecture.image_px / 32

    history: list[TrialRecord] = []
    spread: list[TrialRecord] = []
    for kept in (history, spread):
        for number in range(1, 13):
            architecture = propose(spec, kept)
            assert architecture is not None
            record = TrialRecord(number, architecture, TrialState.DONE)
            kept.append(replace(record, validation_accuracy=made_up(record) if kept is history else None))
    assert max(map(made_up, history)) >= max(map(made_up, spread))


def test_a_record_survives_json() -> None:
    architecture = propose(SPEC, [])
    assert architecture is not None
    record = TrialRecord(1, architecture, TrialState.DONE, 0.5, 0.6, 1.2, 3456, 7.5)
    again = TrialRecord.from_json(record.to_json())
    assert again == record
    assert again.architecture.choices == architecture.choices


def test_several_families_are_tried_and_compared() -> None:
    spec = replace(SPEC, families=("efficientnet_edgetpu", "mobilenet_v2"), latency_limit_ms=1.0, trials=9)
    history = _run(spec, [TrialState.DONE] * 5, [0.5, 0.6, 0.7, 0.6, 0.5])
    assert {record.architecture.family for record in history} == set(spec.families)
    assert len(history) == 5


def test_a_proposal_says_why_in_a_sentence_and_what_it_expects() -> None:
    first = next_proposal(SPEC, [])
    assert isinstance(first, Proposal)
    assert first.reason == "A proven shape of its family, as large as the limits allow."
    later = next_proposal(SPEC, _run(SPEC, [TrialState.DONE] * 4, [0.5, 0.6, 0.7, 0.65]))
    assert isinstance(later, Proposal)
    assert later.expected_gain is not None
    assert later.expected_gain >= 0
    assert later.predicted_accuracy == pytest.approx(0.6, abs=0.3)
    assert later.reason.endswith(".")
    assert "foretold" in later.reason
    assert set(later.to_json()) == {
        "reason",
        "expected_gain",
        "predicted_accuracy",
        "predicted_sd",
        "parent",
        "teacher",
    }


@pytest.mark.parametrize("objective", list(Goal))
def test_nothing_is_promised_beyond_what_is_right_on_every_picture(objective: Goal) -> None:
    spec = replace(SPEC, objective=objective)
    found = next_proposal(spec, _run(spec, [TrialState.DONE] * 5, [1.0, 0.98, 0.99, 1.0, 0.97]))
    assert isinstance(found, Proposal)
    assert found.predicted_accuracy is not None
    assert found.expected_gain is not None
    assert found.predicted_accuracy <= 1
    assert found.expected_gain <= 0.03
    if objective == Goal.TARGET:
        assert found.expected_gain < 1e-6
        assert found.reason.startswith("Nothing can be right more often than the best so far")


def test_a_search_for_gains_that_nothing_promises_stops_and_says_so() -> None:
    history = _run(SPEC, [TrialState.DONE] * 4, [0.5, 0.6, 0.7, 0.65])
    found = next_proposal(replace(SPEC, min_gain=0.5), history)
    assert isinstance(found, Stopped)
    assert "50 points of accuracy" in found.reason
    assert isinstance(next_proposal(replace(SPEC, min_gain=0.5), history[:2]), Proposal), "too early to know"


def test_measured_latencies_move_the_limit_for_what_follows() -> None:
    slower = [replace(record, measured_ms=1.5 * _estimated(record)) for record in _run(SPEC, [TrialState.DONE], [0.5])]
    assert correction_of(SPEC, slower).latency == pytest.approx(1.5)
    for _ in range(4):
        found = propose(SPEC, slower)
        assert found is not None
        assert 1.5 * cost_of(SPEC, found).latency_ms <= SPEC.latency_limit_ms
        slower.append(TrialRecord(len(slower) + 1, found, TrialState.DONE, 0.5))


def _estimated(record: TrialRecord) -> float:
    return cost_of(SPEC, record.architecture).latency_ms


def test_an_order_of_before_there_were_several_families_is_still_read() -> None:
    plain = SPEC.to_json()
    del plain["families"]
    assert SearchSpec.from_json({**plain, "family": "mobilenet_v2"}).families == ("mobilenet_v2",)


def test_who_has_the_time_gets_longer_trainings() -> None:
    assert replace(SPEC, trials=8).room_minutes == 1
    assert replace(SPEC, trials=8, minutes=39).room_minutes == 13
    assert longest_trial_minutes(39, processes=2) == 26
    assert replace(SPEC, trials=8, minutes=1).room_minutes == 1
    assert replace(SPEC, trials=8, minutes=40, trial_minutes=2).room_minutes == 2
    assert replace(SPEC, backbone="tf2_mobilenet_v2_1.0_224_ptq").room_minutes == 3


def test_published_weights_begin_whole_at_several_resolutions_and_once_shallow() -> None:
    spec = replace(
        SPEC,
        image_px=128,
        families=("mobilenet_v2",),
        backbone=next(iter(BACKBONES)),
        latency_limit_ms=4.0,
        objective=Goal.FRONT,
        trials=24,
        trial_minutes=15,
    )
    history = _run(spec, [TrialState.DONE] * 7, [0.9, 0.8, 0.85, 0.86, 0.87, 0.88, 0.7])
    sides = [record.architecture.image_px for record in history]
    assert sides[:2] == [128, 64], "the ends first"
    assert sides[2] == 96, "shallow, the largest that computes a third"
    whole, shallow = history[0].architecture, history[2].architecture
    assert {block.filters for block in shallow.blocks} == {block.filters for block in whole.blocks}
    assert len(shallow.blocks) == 7, "one block a stage"
    assert shallow.macs(10) <= whole.macs(10) / 3
    assert sides[3:5] == [96, 112]
    assert [is_published(record.architecture, spec.backbone) for record in history[:5]] == [1, 1, 0, 1, 1]
    learned = [recipe_of(history[position].architecture.choices) for position in (0, 1, 3, 4)]
    assert learned == [*RECIPES], "each recipe in its turn"
    reasons = [next_proposal(spec, history[:count]) for count in range(3)]
    assert all(isinstance(each, Proposal) and "published network" in each.reason for each in reasons)

    hurried = _run(replace(spec, trial_minutes=4.5), [TrialState.DONE] * 2, [0.9, 0.8])
    proposal = next_proposal(replace(spec, trial_minutes=4.5), hurried)
    assert isinstance(proposal, Proposal)
    assert len(proposal.architecture.blocks) == 7
    assert proposal.architecture.image_px < 96, "where it fits into the time"

    best_only = replace(spec, objective=Goal.TARGET)
    history = _run(best_only, [TrialState.DONE] * 2, [0.9, 0.8])
    assert [record.architecture.image_px for record in history] == [128, 120]
    second = next_proposal(best_only, history[:1])
    assert isinstance(second, Proposal)
    assert recipe_of(second.architecture.choices) == RECIPES[1]
    first = next_proposal(best_only, [])
    assert isinstance(first, Proposal)
    assert first.reason.endswith("All of its layers learn, and its learning rate is half the usual one.")


def test_published_weights_begin_whole_though_what_is_cut_out_could_see_larger_pictures_in_the_time() -> None:
    spec = replace(
        SPEC,
        image_px=128,
        families=("mobilenet_v2",),
        backbone=next(iter(BACKBONES)),
        latency_limit_ms=3.0,
        training_pictures=2_500,
    )
    spaces = spaces_of(spec)
    codes = spaces.openings()
    allowed = [spaces.architecture(row) for row in codes[spaces.known(codes).allowed].tolist()]
    first = propose(spec, [])
    assert first is not None
    assert is_published(first, spec.backbone)
    assert first.image_px == max(each.image_px for each in allowed if is_published(each, spec.backbone))
    assert first.image_px < max(each.image_px for each in allowed), "or nothing was to be chosen between"
