"""What a checkpoint says of its network without building it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from models.description import classes_in, image_px_in
from models.errors import NetworkUnreadable
from models.families import FAMILIES
from models.network import build_network

CLASSES, PX = 5, 32


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    family = FAMILIES["efficientnet_edgetpu"]
    smallest = family.build({name: values[0] for name, values in family.choices(PX).items()} | {"resolution": PX})
    target = tmp_path_factory.mktemp("described") / "checkpoint.keras"
    build_network(smallest, CLASSES, seed=0).save(target)
    return target


def test_a_checkpoint_says_its_classes_and_how_large_its_pictures_are(checkpoint: Path) -> None:
    assert classes_in(checkpoint) == CLASSES
    assert image_px_in(checkpoint) == PX


@pytest.mark.parametrize("content", ["", "[]", '{"config": {"layers": [{"config": {"name": "logits"}}]}}'])
def test_whatever_else_a_file_says_becomes_a_sentence(tmp_path: Path, content: str) -> None:
    other = tmp_path / "other.keras"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("config.json", content)
    with pytest.raises(NetworkUnreadable, match=r"other\.keras is no checkpoint of a classifier made here"):
        classes_in(other)
    with pytest.raises(NetworkUnreadable, match=r"other\.keras does not say how large its pictures are"):
        image_px_in(other)


def test_what_is_no_archive_becomes_a_sentence(tmp_path: Path) -> None:
    other = tmp_path / "other.keras"
    other.write_bytes(b"no archive")
    for ask in (classes_in, image_px_in):
        with pytest.raises(NetworkUnreadable):
            ask(other)
