from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.backbones import BACKBONES, FOLDER_VARIABLE, USUAL_BACKBONE
from models.errors import BackboneMissing
from search.errors import SpecInvalid
from workers.abilities import backbones_here, bring_usual_backbone
from workers.local_folder import ORDER_FILE
from workers.local_start import AUTO, SCRATCH, Start, start_for

OWN = ("mobilenet_v2",)


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that published files are looked for in, empty; the tests forbid downloads."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def bring(weights: Path) -> Path:
    file = weights / BACKBONES[USUAL_BACKBONE].file_name
    file.write_bytes(b"weights")
    return file


def start(wanted: str, out: Path, *families: str) -> tuple[Start, list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []
    return start_for(wanted, families, out, told.append), told


def begun(out: Path, backbone: str) -> Path:
    out.mkdir()
    (out / ORDER_FILE).write_text(json.dumps({"spec": {"backbone": backbone}}))
    return out


def test_a_search_begins_with_published_weights_where_they_are(weights: Path, tmp_path: Path) -> None:
    file = bring(weights)
    found, told = start(AUTO, tmp_path / "out")
    assert (found.backbone, found.parent, found.families) == (USUAL_BACKBONE, file, OWN)
    assert found.sentence == "Networks begin with the weights of MobileNetV2 1.0, ImageNet."
    assert told == [], "nothing is downloaded"
    assert start(AUTO, tmp_path / "out", *OWN)[0] == start(USUAL_BACKBONE, tmp_path / "out")[0] == found


def test_without_them_it_begins_from_nothing_and_says_so_and_how_to_have_them(tmp_path: Path) -> None:
    found, told = start(AUTO, tmp_path / "out")
    assert (found.backbone, found.parent, found.families) == ("", None, ("efficientnet_edgetpu",))
    assert "learn from nothing" in found.sentence
    assert f"Put the file {USUAL_BACKBONE}.tflite into a folder and let {FOLDER_VARIABLE} name" in found.sentence
    assert told == [{"phase": "Downloading the weights of MobileNetV2 1.0, ImageNet"}]
    with pytest.raises(BackboneMissing, match="ATOLL_OFFLINE forbids downloads"):
        start(USUAL_BACKBONE, tmp_path / "out")


def test_a_search_goes_on_as_it_was_begun(weights: Path, tmp_path: Path) -> None:
    from_nothing, with_weights = begun(tmp_path / "one", ""), begun(tmp_path / "two", USUAL_BACKBONE)
    with pytest.raises(BackboneMissing):
        start(AUTO, with_weights)
    bring(weights)
    assert start(AUTO, from_nothing)[0].backbone == ""
    assert start(AUTO, with_weights)[0].backbone == USUAL_BACKBONE


def test_networks_that_the_weights_are_not_of_begin_from_nothing(weights: Path, tmp_path: Path) -> None:
    bring(weights)
    wanted = ("efficientnet_edgetpu", "mobilenet_v2")
    for start_word in (AUTO, SCRATCH):
        assert start(start_word, tmp_path / "out", *wanted)[0] == Start(
            families=wanted, sentence="Networks learn from nothing."
        )
    with pytest.raises(SpecInvalid, match="networks of mobilenet_v2 alone"):
        start(USUAL_BACKBONE, tmp_path / "out", *wanted)


def test_a_start_that_nobody_knows_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SpecInvalid, match=f"'resnet': say auto, scratch, or one of {USUAL_BACKBONE}"):
        start("resnet", tmp_path / "out")


def test_a_worker_brings_the_usual_weights_or_says_why_not(weights: Path, caplog: pytest.LogCaptureFixture) -> None:
    bring_usual_backbone()
    assert "searches begin from nothing: MobileNetV2 1.0, ImageNet is not on this machine" in caplog.text
    assert backbones_here() == []
    bring(weights)
    caplog.clear()
    bring_usual_backbone()
    assert (caplog.text, backbones_here()) == ("", [USUAL_BACKBONE])
