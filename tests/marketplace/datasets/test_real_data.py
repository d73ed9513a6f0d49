"""The rules on real photographs and real digits: the figures that twins.py states."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from marketplace.datasets.checking import check_archive
from tests.marketplace.datasets.archives import encoded, zip_of


def checked(archive: Path, out_dir: Path) -> dict[str, Any]:
    return check_archive(archive, out_dir, lambda told: None, max_pictures=10_000)


@pytest.fixture
def rice(shared_dir: Path, tmp_path: Path) -> dict[str, Any]:
    return checked(shared_dir / "data/datasets/rice_leaf5.zip", tmp_path)


def test_bursts_of_rice_leaves_stay_in_one_split(rice: dict[str, Any], tmp_path: Path) -> None:
    figures = rice["statistics"]
    assert figures["splits"] == {"train": 602, "validation": 130, "test": 130}
    assert 120 <= figures["twin_groups"] <= 140
    assert 360 <= figures["twin_pictures"] <= 410
    assert figures["largest_twin_group"] <= 15
    homes: dict[int, set[int]] = defaultdict(set)
    for one in json.loads((tmp_path / "manifest.json").read_text())["pictures"]:
        homes[one["group"]].add(one["split"])
    assert all(len(home) == 1 for home in homes.values())
    assert rice["findings"] == []


def test_every_split_has_some_of_the_bursts(rice: dict[str, Any], tmp_path: Path) -> None:
    groups: dict[int, list[int]] = defaultdict(list)
    for one in json.loads((tmp_path / "manifest.json").read_text())["pictures"]:
        groups[one["group"]].append(one["split"])
    bursts = [home[0] for home in groups.values() if len(home) > 1]
    assert all(bursts.count(split) >= 5 for split in range(3))


def test_no_test_picture_of_rice_leaves_looks_like_a_training_picture(rice: dict[str, Any], tmp_path: Path) -> None:
    """Measured by another yardstick than the one that groups: plain correlation of 16 px thumbnails."""
    import io
    import zipfile

    from tests.marketplace.datasets.test_twins import thumb

    pictures = json.loads((tmp_path / "manifest.json").read_text())["pictures"]
    shared = Path(__file__).resolve().parents[4] / "shared"
    with zipfile.ZipFile(shared / "data/datasets/rice_leaf5.zip") as archive:
        vectors = np.stack([thumb(Image.open(io.BytesIO(archive.read(one["name"])))).ravel() for one in pictures])
    vectors = vectors - vectors.reshape(len(vectors), -1, 3).mean(axis=1).repeat(256, axis=0).reshape(vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    splits = np.array([one["split"] for one in pictures])
    likeness = (vectors[splits == 2] @ vectors[splits == 0].T).max(axis=1)
    assert (likeness > 0.97).mean() < 0.02, "a random split leaves 16 % so"


def test_hand_signs_have_hardly_any_twin(shared_dir: Path, tmp_path: Path) -> None:
    figures = checked(shared_dir / "data/datasets/sign_digits10.zip", tmp_path)["statistics"]
    assert figures["pictures"] == 2062
    assert figures["twin_pictures"] <= 10


def test_handwritten_digits_do_not_collapse_into_one_group(tmp_path: Path) -> None:
    digits = pytest.importorskip("sklearn.datasets", reason="scikit-learn comes with the worker's group").load_digits()
    for px in (8, 32):
        archive = tmp_path / f"digits{px}.zip"
        files = {
            f"{label}/{number:04}.png": encoded(
                Image.fromarray((pixels * 255 / 16).astype(np.uint8)).resize((px, px), Image.Resampling.BILINEAR)
            )
            for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True))
        }
        archive.write_bytes(zip_of(files))
        figures = checked(archive, tmp_path)["statistics"]
        assert figures["pictures"] == 1797
        assert figures["splits"] == {"train": 1259, "validation": 269, "test": 269}
        assert figures["twin_pictures"] < 90
        assert figures["largest_twin_group"] < 12
