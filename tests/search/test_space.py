from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from search.cost import cost_of
from search.errors import LimitImpossible, SpecInvalid
from search.feasible import check_spec
from search.space import fastest, limits_of, space_of
from search.spec import SearchSpec

SPEC = SearchSpec(classes=10, image_px=32, latency_limit_ms=2.0, device="devboard", training_pictures=1257)


def test_a_spec_survives_json() -> None:
    assert SearchSpec.from_json(SPEC.to_json()) == SPEC


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latency_limit_ms": 0}, "more than 0 ms"),
        ({"latency_limit_ms": -1}, "more than 0 ms"),
        ({"latency_limit_ms": float("nan")}, "more than 0 ms"),
        ({"device": "gpu"}, "no device 'gpu'"),
        ({"classes": 1}, "2 to 16,000 classes"),
        ({"image_px": 5000}, "16 to 512 px"),
        ({"trials": 0}, "number of trials"),
        ({"max_ops": 0}, "number of operations"),
        ({"file_limit_bytes": 0}, "file limit"),
        ({"families": ["yolo"]}, "no family 'yolo'"),
        ({"colour": 1}, "no colour"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_with_a_sentence(change: dict[str, object], words: str) -> None:
    with pytest.raises(SpecInvalid, match=words):
        SearchSpec.from_json({**SPEC.to_json(), **change})


def test_no_random_network_is_faster_or_smaller_than_the_stated_limits() -> None:
    for device in ("devboard", "usb2"):
        spec, random = replace(SPEC, device=device), np.random.default_rng(0)
        space, limits = space_of(spec), limits_of(spec)
        for _ in range(150):
            cost = cost_of(spec, space.family.build(space.sample(random)))
            assert cost.latency_ms >= limits.fastest_ms
            assert cost.parameter_bytes >= limits.fewest_onchip_bytes
            assert cost.ops >= limits.fewest_ops
            assert cost.file_bytes >= limits.fewest_file_bytes
            assert cost.training_seconds >= limits.shortest_training_seconds


def test_the_fastest_network_has_the_latency_that_is_named() -> None:
    architecture, estimate = fastest(SPEC)
    assert estimate.ms == cost_of(SPEC, architecture).latency_ms == limits_of(SPEC).fastest_ms


def test_a_latency_limit_that_no_network_holds_is_refused_with_the_fastest_possible_time() -> None:
    with pytest.raises(LimitImpossible) as refused:
        check_spec(replace(SPEC, latency_limit_ms=0.1))
    named = float(str(refused.value).split("takes about ")[1].split(" ms")[0])
    assert named == pytest.approx(limits_of(SPEC).fastest_ms, abs=0.01)
    check_spec(replace(SPEC, latency_limit_ms=named))


def test_an_on_chip_limit_that_no_network_holds_is_refused_with_the_smallest_possible() -> None:
    with pytest.raises(LimitImpossible) as refused:
        check_spec(replace(SPEC, onchip_limit_bytes=1024))
    named = float(str(refused.value).split("classes takes ")[1].split(" KiB")[0])
    assert named * 1024 == pytest.approx(limits_of(SPEC).fewest_onchip_bytes, abs=110)
    check_spec(replace(SPEC, onchip_limit_bytes=round(named * 1024)))


def test_an_operation_limit_that_no_network_holds_is_refused_with_the_fewest_possible() -> None:
    fewest = limits_of(SPEC).fewest_ops
    with pytest.raises(LimitImpossible, match=f"the shallowest has {fewest}"):
        check_spec(replace(SPEC, max_ops=fewest - 1))
    check_spec(replace(SPEC, max_ops=fewest))


def test_a_file_limit_that_no_network_holds_is_refused_with_the_smallest_possible() -> None:
    with pytest.raises(LimitImpossible) as refused:
        check_spec(replace(SPEC, file_limit_bytes=5000))
    named = float(str(refused.value).split("classes is about ")[1].split(" kB")[0])
    assert named * 1000 == pytest.approx(limits_of(SPEC).fewest_file_bytes, abs=101)
    check_spec(replace(SPEC, file_limit_bytes=round(named * 1000)))


def test_limits_that_can_only_be_held_one_by_one_are_refused() -> None:
    limits = limits_of(SPEC)
    tight = replace(SPEC, latency_limit_ms=1.001 * limits.fastest_ms, onchip_limit_bytes=limits.fewest_onchip_bytes)
    with pytest.raises(LimitImpossible, match="all of them at once") as refused:
        check_spec(tight)
    words = str(refused.value)
    if found := re.search(r"([\d.]+) ms", words):
        tight = replace(tight, latency_limit_ms=float(found[1]))
    if found := re.search(r"([\d.]+) KiB", words):
        tight = replace(tight, onchip_limit_bytes=round(float(found[1]) * 1024))
    check_spec(tight)  # what is named is possible


def test_the_opening_shapes_can_be_chosen_from_the_space() -> None:
    space = space_of(SPEC)
    openings = list(space.openings())
    assert len(openings) > 10
    for chosen in openings:
        assert space.knows(space.family.build(chosen))
