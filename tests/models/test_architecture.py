from __future__ import annotations

import json
from dataclasses import replace

import pytest

from models.architecture import Architecture, Block
from models.errors import ArchitectureInvalid
from models.families import FAMILIES

BLOCK = Block("fused", 3, 1, 32, 16)
ARCHITECTURE = Architecture("efficientnet_edgetpu", 32, 16, (BLOCK, replace(BLOCK, kind="depthwise", stride=2)), 64)


def test_an_architecture_survives_json() -> None:
    again = Architecture.from_json(json.loads(json.dumps(ARCHITECTURE.to_json())))
    assert again == ARCHITECTURE
    assert again.key == ARCHITECTURE.key


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
        replace(ARCHITECTURE, blocks=(replace(BLOCK, skip=False), *ARCHITECTURE.blocks[1:])),
    ]
    assert len({each.key for each in [ARCHITECTURE, *others]}) == 5


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
    ],
)
def test_a_bad_description_is_refused_with_a_sentence(change: dict[str, object], words: str) -> None:
    with pytest.raises(ArchitectureInvalid, match=r"^This architecture cannot be .+\.$") as refused:
        Architecture.from_json({**ARCHITECTURE.to_json(), **change})
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("name", "millions", "giga_macs"),
    [("s", 5.4, 1.8), ("m", 6.9, 3.0), ("l", 10.6, 8.0)],
)
def test_the_published_networks_have_the_published_parameters_and_macs(
    name: str, millions: float, giga_macs: float
) -> None:
    published = FAMILIES["efficientnet_edgetpu"].published[f"efficientnet-edgetpu-{name}"]
    assert published.parameters() / 1e6 == pytest.approx(millions, abs=0.05)
    assert published.macs() / 1e9 == pytest.approx(giga_macs, abs=0.07)


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
