"""From a finished run to its card."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marketplace.catalog import cards
from marketplace.catalog.cards import card_of
from marketplace.catalog.showing import pixel_rule, retrain_script
from marketplace.runs.models import Run
from tests.factories import ARCHITECTURE, CLASSES, MEASURED, make_run, make_user

pytestmark = pytest.mark.django_db


def card_for(run: Run) -> dict[str, Any]:
    return card_of(run, model="reef/corals", licence="mit", labels=CLASSES, artifacts=run.artifacts.all())


def test_a_card_states_every_fact_of_the_run() -> None:
    run = make_run(make_user())
    card = card_for(run)
    assert card["accuracy"]["int8"] == 0.8667
    assert card["accuracy"]["interval"] == [0.6212, 0.9626]
    assert card["latency"] == {
        "origin": "estimated",
        "ms": 1.84,
        "device": "Coral Dev Board (PCIe)",
        "limited_by": "compute",
        "low_ms": 1.62,
        "high_ms": 2.09,
    }
    assert card["input"]["uint8"] == {"dtype": "uint8", "scale": 1 / 128, "zero_point": 127, "shape": [1, 64, 64, 3]}
    assert (card["input"]["colour_order"], card["input"]["preprocessing"]) == ("RGB", "(x − 127) / 128")
    assert (card["memory"]["onchip_kib"], card["memory"]["streamed_kib"]) == (392.9, 100.0)
    assert card["ops"]["on_cpu"] == [{"kind": "SOFTMAX", "name": "softmax", "reason": "its axis is too long"}]
    assert card["dataset"]["content_sha256"] == run.dataset_version.content_sha256
    assert card["architecture"] == ARCHITECTURE
    assert card["licence"] == {"id": "mit", "title": "MIT License"}
    assert [file["name"] for file in card["files"]] == sorted(run.artifacts.values_list("name", flat=True))


def test_a_card_says_how_the_network_learned() -> None:
    run = make_run(make_user(), seed=7, backbone="tf2_mobilenet_v2_1.0_224_ptq")
    assert run.best_trial is not None
    run.best_trial.metrics = {"epochs": 25}
    run.best_trial.architecture = {**ARCHITECTURE, "choices": {"learns": "all", "rate": 0.5}}
    run.best_trial.proposal = {"teacher": 2}
    told = {"seed": 7, "start": run.backbone, "layers": "all", "rate_of_usual": 0.5, "epochs": 25}
    told |= {"parent_trial": None, "teacher_trial": 2}
    assert card_for(run)["training"] == told
    run.quantization = {**run.quantization, "final_training": {"kept": True, "epochs": 75}}
    assert card_for(run)["training"] == {**told, "epochs": 75, "teacher_trial": None}
    run.quantization = {**run.quantization, "final_training": {"kept": True, "epochs": 75, "taught": True}}
    assert card_for(run)["training"] == {**told, "epochs": 75}
    run.quantization["final_training"]["teacher_trial"] = 4
    assert card_for(run)["training"] == {**told, "epochs": 75, "teacher_trial": 4}
    plain = make_run(make_user(), seed=3)
    assert card_for(plain)["training"]["start"] == "scratch"
    assert plain.best_trial is not None
    plain.best_trial.proposal = {"parent": 4}
    assert (card_for(plain)["training"]["start"], card_for(plain)["training"]["parent_trial"]) == ("trial", 4)


def test_a_card_tells_that_its_test_pictures_have_judged_other_networks_before() -> None:
    assert "networks_tested" not in card_for(make_run(make_user(), networks_tested=1))["accuracy"]
    assert card_for(make_run(make_user(), networks_tested=2))["accuracy"]["networks_tested"] == 2


def test_a_measured_latency_says_on_what_and_never_mixes_with_the_estimate() -> None:
    latency = card_for(make_run(make_user(), measurement=MEASURED))["latency"]
    assert (latency["origin"], latency["ms"], latency["p95_ms"], latency["runs"]) == ("measured", 2.31, 2.6, 200)
    assert (latency["device"], latency["link"], latency["clock"]) == ("Coral USB Accelerator", "usb3", "max")
    assert "low_ms" not in latency


@pytest.mark.parametrize("measurement", [{}, {"state": "measured"}, {"state": "not_measured", "p50_ms": 1.0}])
def test_without_a_measured_median_the_latency_is_the_estimate(measurement: dict[str, Any]) -> None:
    assert card_for(make_run(make_user(), measurement=measurement))["latency"]["origin"] == "estimated"


@pytest.mark.parametrize("nothing", [{}, None, [], "text", 3])
def test_what_a_run_does_not_say_is_none_and_no_figure_is_made_up(nothing: Any) -> None:
    run = make_run(make_user())
    run.estimate = run.quantization = run.compilation = run.validation = run.measurement = nothing
    run.best_trial = None
    card = card_for(run)
    assert card["latency"]["origin"] == "unknown"
    figures: list[Any] = []

    def collect(value: Any) -> None:
        for one in value.values() if isinstance(value, dict) else value:
            if isinstance(one, dict | list):
                collect(one)
            elif isinstance(one, int | float):
                figures.append(one)

    collect({key: card[key] for key in ("accuracy", "latency", "output", "quantization", "memory", "ops")})
    assert figures == []


def test_infinite_and_wrong_figures_do_not_reach_the_card() -> None:
    run = make_run(make_user())
    run.estimate = {"latency_ms": float("inf"), "cached_bytes": float("nan"), "ops": True, "layers": {"a": 1}}
    card = card_for(run)
    assert card["latency"]["ms"] is None
    assert card["memory"]["onchip_kib"] is None
    assert card["ops"]["count"] is None
    json.loads(cards.as_bytes(card))


def test_the_same_run_gives_the_same_bytes() -> None:
    run = make_run(make_user())
    again = Run.objects.get(pk=run.pk)
    assert cards.as_bytes(card_for(run)) == cards.as_bytes(card_for(again))


def test_a_smaller_network_tells_of_both_resizings() -> None:
    run = make_run(make_user(), image_px=96)
    rule = card_for(run)["input"]["resize"]
    assert rule.startswith("The whole picture is squeezed to a square.")
    assert rule.endswith("averaged over areas (box filter) to 64 px.")


@pytest.mark.parametrize(
    ("scale", "zero_point", "rule"),
    [
        (1 / 128, 127, "the pixel as it is, 0 to 255"),
        (1 / 128, -1, "the pixel minus 128"),
        (0.5, 3, "(pixel − 127) / 128, divided by 0.5, plus 3"),
        (None, 3, ""),
    ],
)
def test_what_to_feed_is_said_in_words(scale: float | None, zero_point: int, rule: str) -> None:
    assert pixel_rule({"scale": scale, "zero_point": zero_point}) == rule


def test_the_script_to_train_further_has_ten_lines_of_python() -> None:
    script = retrain_script(card_for(make_run(make_user())))
    compile(script, "retrain.py", "exec")
    assert len([line for line in script.splitlines() if line]) == 10
