from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from models.architecture import Architecture
from models.backbones import BACKBONES
from search.cost import cost_of, is_published, training_seconds
from search.problem import Goal
from search.propose import Proposal, next_proposal
from search.recipe import LEARNS, RATES, USUAL, Learns, Recipe, as_usual, recipe_of
from search.space import space_of
from search.spaces import spaces_of
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState
from search.tuner import AtollOracle

SCRATCH = SearchSpec(classes=10, image_px=64, latency_limit_ms=2, device="devboard", trials=12, trial_minutes=5)
TUNED = replace(
    SCRATCH, image_px=96, families=("mobilenet_v2",), backbone=next(iter(BACKBONES)), trial_minutes=30, trials=30
)


@pytest.fixture(scope="module")
def tried() -> list[TrialRecord]:
    """Twenty trials of a search in which whatever learns in all its layers does better."""
    history: list[TrialRecord] = []
    spec = replace(TUNED, objective=Goal.FRONT)
    for number in range(1, 21):
        found = next_proposal(spec, history)
        assert isinstance(found, Proposal)
        network = found.architecture
        thorough = recipe_of(network.choices).learns == Learns.ALL
        accuracy = 0.5 + 0.04 * float(np.log(network.macs(10) / 1e6)) + 0.1 * thorough
        latency_ms = cost_of(spec, network).latency_ms
        history.append(TrialRecord(number, network, TrialState.DONE, accuracy, accuracy, latency_ms=latency_ms))
    return history


def test_what_an_older_architecture_does_not_say_is_as_usual() -> None:
    assert recipe_of({"resolution": 64}) == USUAL == Recipe("late", 1.0)
    assert recipe_of({LEARNS: "all", "rate": 0.5}) == Recipe("all", 0.5)


def test_only_published_weights_leave_open_which_layers_learn() -> None:
    assert set(space_of(SCRATCH).recipe) == {"rate"}
    assert set(space_of(TUNED).recipe) == {"rate", LEARNS}
    assert set(space_of(TUNED).choices) == {*space_of(TUNED).network, "rate", LEARNS}


def test_a_recipe_changes_no_cost_on_the_chip_but_the_time_of_training() -> None:
    network = published(space_of(TUNED).usual)
    thorough = replace(network, choices={**network.choices, LEARNS: Learns.ALL.value})
    assert is_published(network, TUNED.backbone)
    assert (thorough, thorough.key) == (network, network.key)
    assert cost_of(TUNED, thorough).latency_ms == cost_of(TUNED, network).latency_ms
    assert training_seconds(TUNED, network) == pytest.approx(0.7 * training_seconds(TUNED, thorough))


def test_a_search_varies_recipes_and_trains_no_architecture_twice(tried: list[TrialRecord]) -> None:
    assert len({record.architecture.key for record in tried}) == len(tried)
    assert {recipe_of(record.architecture.choices).rate for record in tried} > {1.0}
    whole = [record.architecture for record in tried if is_published(record.architecture, TUNED.backbone)]
    assert [recipe_of(each.choices).learns for each in whole][:2] == [Learns.ALL, Learns.LATE]
    heirs = [record.architecture for record in tried if not is_published(record.architecture, TUNED.backbone)]
    assert {each.choices[LEARNS] for each in heirs} == {Learns.ALL.value}, "of what is cut out, all layers learn"


def test_codes_say_which_networks_are_published_as_the_networks_do() -> None:
    spaces = spaces_of(TUNED)
    codes = np.concatenate([spaces.sample(np.random.default_rng(1), 40), spaces.openings()])
    learns = [choice.name for choice in spaces.choices].index(f"mobilenet_v2.{LEARNS}")
    late = codes.copy()
    late[:, learns] = list(Learns).index(Learns.LATE)
    for before, after in zip(late, spaces.canonical(late), strict=True):
        whole = is_published(spaces.architecture(before.tolist()), TUNED.backbone)
        assert (after[learns] == before[learns]) == whole
    assert any(is_published(spaces.architecture(row), TUNED.backbone) for row in late.tolist())


def test_trials_of_before_there_were_recipes_are_still_learned_from() -> None:
    old = space_of(SCRATCH).family.build({name: values[0] for name, values in space_of(SCRATCH).network.items()})
    codes = spaces_of(SCRATCH).codes_of(old)
    assert codes is not None
    assert spaces_of(SCRATCH).architecture(codes).choices["rate"] == 1.0


def test_a_network_that_learned_otherwise_is_still_known_to_a_space_without_that_choice() -> None:
    tuned = published({LEARNS: "all", "rate": 2.0})
    plain = replace(TUNED, backbone="")
    codes = spaces_of(plain).codes_of(tuned)
    assert codes is not None
    assert spaces_of(plain).architecture(codes).choices["rate"] == 2.0
    assert as_usual(tuned).choices.keys() == space_of(TUNED).network.keys()


def test_keras_tuner_names_recipes_as_it_names_other_choices() -> None:
    trial = AtollOracle(SCRATCH).hyperparameters
    assert list(trial.space[-1].values) == list(RATES)


def test_a_recipe_survives_the_row_that_it_is_kept_in() -> None:
    network = space_of(SCRATCH).family.build({**space_of(SCRATCH).smallest, "rate": 2.0})
    again = Architecture.from_json(json.loads(json.dumps(network.to_json())))
    assert recipe_of(again.choices).rate == 2.0


def published(recipe: dict[str, int | float | str]) -> Architecture:
    """The published network at the largest resolution, as the space says it."""
    space = space_of(TUNED)
    return space.family.build({name: values[-1] for name, values in space.network.items()} | recipe)
