from __future__ import annotations

import json
from dataclasses import replace

import pytest

from models.architecture import Architecture, Block
from models.cells import Node
from models.errors import ArchitectureInvalid
from models.families import FAMILIES

BLOCK = Block("fused", 3, 1, 32, 16)
ARCHITECTURE = Architecture("efficientnet_edgetpu", 32, 16, (BLOCK, replace(BLOCK, kind="depthwise", stride=2)), 64)


CELL = Block(
    "cell", 1, 1, 0, 24, nodes=(Node("convolution", (0,), 8, (3, 1)), Node("concatenation", (0, 1))), skip=False
)


def _cell_with(**changes: object) -> dict[str, object]:
    value = CELL.to_json()
    first, second = value["nodes"]
    return {**value, "nodes": [{**first, **changes}, second] if "stride" in changes else [{**first, **changes}]}


def test_an_architecture_survives_json() -> None:
    again = Architecture.from_json(json.loads(json.dumps(ARCHITECTURE.to_json())))
    assert again == ARCHITECTURE
    assert again.key == ARCHITECTURE.key


def test_a_description_of_the_first_kind_still_says_the_same_network() -> None:
    stored = {
        "family": "efficientnet_edgetpu",
        "image_px": 32,
        "stem_filters": 16,
        "blocks": [
            {"kind": "fused", "kernel": 3, "stride": 1, "expanded": 32, "filters": 16, "skip": True},
            {"kind": "depthwise", "kernel": 3, "stride": 2, "expanded": 32, "filters": 16, "skip": True},
        ],
        "head_filters": 64,
        "stem_stride": 2,
        "choices": {},
    }
    assert Architecture.from_json(stored) == ARCHITECTURE
    assert ARCHITECTURE.key == "e0b26e814e485e11"


def test_a_branching_block_survives_json() -> None:
    branching = replace(ARCHITECTURE, blocks=(CELL,))
    again = Architecture.from_json(json.loads(json.dumps(branching.to_json())))
    assert again == branching
    assert again.key == branching.key
    assert [layer.kernel for layer in again.layers(3)][:2] == [(3, 3), (3, 1)]


def test_the_choices_of_the_space_survive_json_and_do_not_make_another_network() -> None:
    chosen = replace(ARCHITECTURE, choices={"width": 0.5, "stage1_kind": "fused"})
    assert Architecture.from_json(json.loads(json.dumps(chosen.to_json()))).choices == chosen.choices
    assert chosen == ARCHITECTURE
    assert chosen.key == ARCHITECTURE.key


def test_a_skip_that_no_shape_allows_makes_no_other_network() -> None:
    strided = replace(BLOCK, stride=2)
    with_skip, without = (
        replace(ARCHITECTURE, blocks=(replace(strided, skip=True),)),
        replace(ARCHITECTURE, blocks=(replace(strided, skip=False),)),
    )
    assert with_skip.key == without.key
    assert with_skip.layers(10) == without.layers(10)


def test_networks_that_differ_have_different_keys() -> None:
    others = [
        replace(ARCHITECTURE, image_px=40),
        replace(ARCHITECTURE, head_filters=0),
        replace(ARCHITECTURE, stem_stride=1),
        replace(ARCHITECTURE, stem_kernel=5),
        replace(ARCHITECTURE, activation="relu6"),
        replace(ARCHITECTURE, norm=False),
        replace(ARCHITECTURE, hidden_units=32),
        replace(ARCHITECTURE, blocks=(CELL,)),
        replace(ARCHITECTURE, blocks=(replace(CELL, nodes=CELL.nodes[:1]),)),
        replace(ARCHITECTURE, blocks=(replace(BLOCK, skip=False), *ARCHITECTURE.blocks[1:])),
    ]
    assert len({each.key for each in [ARCHITECTURE, *others]}) == 11


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"blocks": []}, "0 blocks"),
        ({"blocks": None}, "no list of blocks"),
        ({"image_px": 4}, "4 px"),
        ({"image_px": "32"}, "'32'"),
        ({"image_px": True}, "True"),
        ({"stem_stride": 3}, "stride 3"),
        ({"colour": "red"}, "'colour' is unknown"),
        ({"blocks": [{"kind": "dense"}]}, "missing"),
        ({"blocks": [{**ARCHITECTURE.to_json()["blocks"][0], "kind": "dense"}]}, "kind is 'dense'"),
        ({"blocks": [{**ARCHITECTURE.to_json()["blocks"][0], "kernel": 4}]}, "kernel 4"),
        ({"blocks": [{**ARCHITECTURE.to_json()["blocks"][0], "filters": 0}]}, "channels"),
        ({"blocks": [{**ARCHITECTURE.to_json()["blocks"][0], "expanded": 0}]}, "without expansion"),
        ({"stem_kernel": 4}, "kernel 4"),
        ({"stem_padding": "full"}, "'full'"),
        ({"activation": "elu"}, "'elu'"),
        ({"classifier": "convolution"}, "no head before it"),
        ({"hidden_units": -1}, "-1 hidden units"),
        ({"blocks": [{**CELL.to_json(), "nodes": []}]}, "a cell of 0 nodes"),
        ({"blocks": [{**CELL.to_json(), "nodes": "pool"}]}, "cannot be read"),
        ({"blocks": [{**CELL.to_json(), "nodes": CELL.to_json()["nodes"][:1] * 100}]}, "a cell of 100 nodes"),
        ({"blocks": [_cell_with(inputs=[2])]}, "node 1: it reads [2]"),
        ({"blocks": [_cell_with(inputs=[0, 0])]}, "node 1: a convolution of 2 inputs"),
        ({"blocks": [_cell_with(kernel=[3, 9])]}, "node 1: kernel (3, 9)"),
        ({"blocks": [_cell_with(kernel=[3])]}, "node 1: kernel (3,)"),
        ({"blocks": [_cell_with(filters=0)]}, "node 1: a convolution of 0 filters"),
        ({"blocks": [_cell_with(activation="elu")]}, "activation 'elu'"),
        ({"blocks": [_cell_with(kernel=[3.5, 3])]}, "not whole numbers"),
        ({"blocks": [_cell_with(kernel=[8, 8], padding="valid")] * 3}, "too small for layer block3_node01"),
        ({"blocks": [_cell_with(stride=2)]}, "different sides"),
    ],
)
def test_a_bad_description_is_refused_with_a_sentence(change: dict[str, object], words: str) -> None:
    with pytest.raises(ArchitectureInvalid, match=r"^This architecture cannot be .+\.$") as refused:
        Architecture.from_json({**ARCHITECTURE.to_json(), **change})
    assert words in str(refused.value)


@pytest.mark.parametrize("image_px", [16, 24, 32, 48, 64, 96, 128, 224, 300])
def test_the_space_keeps_useful_feature_maps_at_every_resolution(image_px: int) -> None:
    family = FAMILIES["efficientnet_edgetpu"]
    choices = family.choices(image_px)
    assert max(choices["resolution"]) == image_px
    for side in choices["resolution"]:
        largest = family.build({name: values[-1] for name, values in choices.items()} | {"resolution": side})
        pool = next(layer for layer in largest.layers(10) if layer.kind == "MEAN")
        last = next(layer for layer in largest.layers(10) if layer.name == pool.inputs[0])
        assert 4 <= last.shape[0] <= 10
