from __future__ import annotations

from pathlib import Path

import pytest

from edgetpu.cocompile import Member, advise, share_memory
from edgetpu.compiled_file import read_compiled
from edgetpu.devices import DEVICES
from edgetpu.graph import Graph
from edgetpu.sketch import Sketch
from edgetpu.tflite import read_graph

USB = DEVICES["usb3"]


def network(filters: int, layers: int = 4) -> Graph:
    sketch = Sketch((14, 14, filters))
    x = sketch.inputs[0]
    for _ in range(layers):
        x = sketch.conv(x, filters)
    return sketch.graph(x)


def test_networks_that_fit_together_stay_side_by_side() -> None:
    shared = share_memory([Member("a", network(128)), Member("b", network(256))], USB)
    assert shared.streamed_bytes == 0
    assert shared.order == ("a", "b")


def test_the_first_network_takes_what_it_needs_and_the_second_what_is_left() -> None:
    first, second = Member("first", network(512)), Member("second", network(256))
    capacity = 1_100_000
    shared = share_memory([first, second], USB, capacity)
    assert shared.members[0].memory.streamed_bytes == 0
    assert shared.members[1].memory.capacity_bytes == capacity - shared.members[0].memory.cached_bytes
    assert shared.members[1].memory.streamed_bytes > 0


def test_the_members_of_a_real_group_get_what_they_got(compiled_folder: Path) -> None:
    """Two small networks of July 2021 were compiled together: both keep everything."""
    paths = sorted((compiled_folder / "2021-07").glob("mobilenet_v1*cocompiled*"))
    packages = [read_compiled(path) for path in paths]
    sources = [
        read_graph(compiled_folder / "source" / (path.name.partition("_cocompiled")[0] + ".tflite")) for path in paths
    ]
    shared = share_memory([Member(str(number), source) for number, source in enumerate(sources)], USB)
    assert [member.memory.cached_bytes for member in shared.members] == [package.cached_bytes for package in packages]


def test_the_network_that_runs_most_often_is_given_the_memory_first() -> None:
    rare, often = Member("rare", network(512), 1.0), Member("often", network(512), 30.0)
    advice = advise([rare, often], USB, 1_200_000)
    assert advice.best.order == ("often", "rare")
    assert advice.best.round_ms < advice.as_given.round_ms
    assert "often, rare" in advice.sentence
    assert "less than in the order given" in advice.sentence


def test_swapping_parameters_of_networks_compiled_apart_costs_loading_them() -> None:
    advice = advise([Member("a", network(512)), Member("b", network(256))], USB)
    assert all(swap > 0 for swap in advice.swap_ms)
    assert advice.apart_ms > advice.best.round_ms
    assert "swapping parameters would cost" in advice.sentence


def test_one_network_alone_has_nothing_to_swap() -> None:
    advice = advise([Member("alone", network(64))], USB)
    assert advice.swap_ms == (0.0,)
    assert advice.sentence.startswith("alone has the chip to itself")


def test_many_networks_are_ordered_without_trying_every_order() -> None:
    members = [Member(str(n), network(64 * n), float(n)) for n in range(1, 10)]
    advice = advise(members, USB, 500_000)
    assert sorted(advice.best.order) == sorted(member.name for member in members)
    assert advice.best.round_ms <= advice.as_given.round_ms


def test_the_answer_as_json_names_units_and_origin() -> None:
    answer = advise([Member("a", network(64)), Member("b", network(64))], USB).as_json()
    assert answer["origin"] == "estimated"
    assert answer["models"][0]["cached_bytes"] > 0
    assert answer["round_ms"] == pytest.approx(sum(model["ms"] for model in answer["models"]))
