"""Every family: the published counts, the space, and the estimate against the file that is really built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgetpu.latency import estimate
from edgetpu.memory import memory_map
from edgetpu.rules import map_ops
from edgetpu.tflite import read_graph
from models.architecture import Architecture, Block
from models.families import FAMILIES, Family
from models.families.published import PUBLISHED

NETWORKS = {name: network for family in FAMILIES.values() for name, network in family.published.items()}
CLASSES = 5


@pytest.mark.parametrize("name", NETWORKS)
def test_a_published_network_has_the_published_parameters_and_macs(name: str) -> None:
    assert PUBLISHED[name].problem(NETWORKS[name]) is None


def test_every_published_network_is_quoted_and_nothing_else() -> None:
    assert PUBLISHED.keys() == NETWORKS.keys()
    assert all(row.source for row in PUBLISHED.values() if row.parameters or row.macs)
    assert all(row.top1_source for row in PUBLISHED.values() if row.top1 or row.top1_int8)


def test_a_network_with_one_channel_more_is_not_the_published_one() -> None:
    published = NETWORKS["mobilenet-v2-1"]
    wider = replace(published, blocks=(*published.blocks[:-1], replace(published.blocks[-1], filters=328)))
    assert "parameters, published are 3,504,872" in str(PUBLISHED["mobilenet-v2-1"].problem(wider))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_published_network_runs_on_the_chip_as_a_whole(name: str) -> None:
    assert all(verdict.mapped for verdict in map_ops(NETWORKS[name].graph(1000)))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_published_network_survives_json(name: str) -> None:
    again = Architecture.from_json(NETWORKS[name].to_json())
    assert again == NETWORKS[name]
    assert again.key == NETWORKS[name].key


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("image_px", [16, 32, 100, 224, 320])
def test_every_corner_of_a_space_is_a_network(family: Family, image_px: int) -> None:
    choices = family.choices(image_px)
    random = np.random.default_rng(image_px)
    corners = [{name: values[end] for name, values in choices.items()} for end in (0, -1)]
    for chosen in (*corners, *({n: v[random.integers(len(v))] for n, v in choices.items()} for _ in range(5))):
        network = family.build(chosen)
        assert network.family == family.name
        assert network.choices == chosen
        assert network.layers(CLASSES)[-1].shape == (CLASSES,)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_known_shapes_of_a_family_are_in_its_space(family: Family) -> None:
    choices = family.choices(96)
    for shape in family.shapes:
        assert all(value in choices[name] for name, value in shape.items() if not _clipped(family, name))


def _clipped(family: Family, name: str) -> bool:
    """EfficientNet-EdgeTPU's published stages are deeper than its space; the search takes the nearest depth."""
    return family.name == "efficientnet_edgetpu" and name.endswith("_depth")


def test_leaving_out_a_block_makes_its_kernel_and_expansion_irrelevant() -> None:
    family = FAMILIES["mobilenet_edgetpu_v2"]
    smallest = {name: values[0] for name, values in family.choices(64).items()}
    assert smallest["stage3_block2_kind"] == "skip"
    assert family.build(smallest).key == family.build({**smallest, "stage3_block2_kernel": 5}).key


def _slim(family: Family) -> Architecture:
    """Return the family's smallest network, a quarter as wide, with one block of each form, at a small resolution."""
    first = min(family.published.values(), key=lambda network: network.parameters(CLASSES))
    forms: dict[object, Block] = {}
    for block in first.blocks:
        forms.setdefault(_form(block), _thin(block))
    side = max(min(family.choices(64)["resolution"]), 48)
    return replace(first, blocks=tuple(forms.values()), image_px=int(side), head_filters=first.head_filters // 16)


def _thin(block: Block) -> Block:
    nodes = tuple(replace(node, filters=_quarter(node.filters)) for node in block.nodes)
    return replace(block, expanded=_quarter(block.expanded), filters=_quarter(block.filters), nodes=nodes)


def _quarter(filters: int) -> int:
    return -(-filters // 32) * 8


def _form(block: Block) -> object:
    nodes = [(node.kind, node.inputs, node.kernel, node.stride) for node in block.nodes]
    return block.kind, block.kernel, block.stride, bool(block.expanded), block.skip, repr(nodes)


@pytest.fixture(params=[name for name in FAMILIES if name != "efficientnet_edgetpu"])  # that one: test_conversion
def built(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Architecture, Path]]:
    import keras

    from models.network import build_network
    from models.quantize import quantize_to

    architecture = _slim(FAMILIES[request.param])
    network = build_network(architecture, CLASSES, seed=3)
    network.get_layer("logits").bias.assign(np.linspace(-1, 1, CLASSES))  # conversion leaves out a bias of zeros
    network.save(tmp_path / "checkpoint.keras")
    counted = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    assert counted == architecture.parameters(CLASSES)
    side = architecture.image_px
    picture = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    quantize_to(tmp_path / "checkpoint.keras", picture, tmp_path / "model.tflite")
    yield architecture, tmp_path / "model.tflite"
    keras.backend.clear_session()


@pytest.mark.slow
def test_the_file_of_every_family_is_int8_whole_on_the_chip_and_as_foretold(built: tuple[Architecture, Path]) -> None:
    architecture, path = built
    foretold, converted = architecture.graph(CLASSES), read_graph(path)
    assert all(verdict.mapped for verdict in map_ops(converted))  # op versions and 8-bit types are among the rules
    assert [(op.kind, op.version) for op in converted.ops] == [(op.kind, op.version) for op in foretold.ops]
    for ours, theirs in zip(foretold.ops, converted.ops, strict=True):
        assert {name: theirs.options[name] for name in ours.options} == ours.options
        assert [each.shape for each in foretold.results(ours)] == [each.shape for each in converted.results(theirs)]
    for capacity_bytes in (50_000, 8 * 2**20):
        ours, theirs = memory_map(foretold, capacity_bytes), memory_map(converted, capacity_bytes)
        assert [layer.parameter_bytes for layer in ours.layers] == [layer.parameter_bytes for layer in theirs.layers]
        assert (ours.cached_bytes, ours.streamed_bytes) == (theirs.cached_bytes, theirs.streamed_bytes)
    for device in ("devboard", "usb3"):
        assert estimate(foretold, device).ms == estimate(converted, device).ms
