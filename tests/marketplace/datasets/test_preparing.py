"""The arrays that training reads."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marketplace.datasets import preparing
from marketplace.datasets.checking import check_archive
from marketplace.datasets.pictures import RESIZE_RULE
from tests.marketplace.datasets.archives import deep_grey, good_files, transparent_png, turned_jpeg, zip_of

Files = tuple[Path, Path]


@pytest.fixture
def accepted(tmp_path: Path) -> Files:
    files = good_files(px=40) | {
        "square/deep.png": deep_grey(),
        "square/clear.png": transparent_png(),
        "square/turned.jpg": turned_jpeg(),
    }
    archive = tmp_path / "archive.zip"
    archive.write_bytes(zip_of(files))
    checked = check_archive(archive, tmp_path, lambda told: None, max_pictures=100)
    return archive, Path(checked["manifest"])


def test_every_picture_is_where_the_manifest_says(accepted: Files, tmp_path: Path) -> None:
    import io
    import zipfile

    archive, manifest = accepted
    folder = preparing.prepare(archive, manifest, 10, tmp_path / "arrays")
    pictures = json.loads(manifest.read_text())["pictures"]
    with zipfile.ZipFile(archive) as opened:
        for split, name in enumerate(("train", "validation", "test")):
            images, labels = np.load(folder / f"{name}_images.npy"), np.load(folder / f"{name}_labels.npy")
            mine = [one for one in pictures if one["split"] == split]
            assert images.dtype == np.uint8
            assert images.shape == (len(mine), 10, 10, 3)
            assert labels.tolist() == [one["class"] for one in mine]
            for image, one in zip(images, mine, strict=True):
                if one["name"].endswith("/clear.png"):
                    assert image.min() == 255
                elif one["name"][-8:-4].isdigit():
                    source = Image.open(io.BytesIO(opened.read(one["name"])))
                    assert np.array_equal(image, np.asarray(source.resize((10, 10), Image.Resampling.BILINEAR)))


def test_shrinking_averages_over_areas_as_the_rule_says(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    shrunk = np.asarray(preparing.resized(Image.fromarray(stripes), 8))
    assert abs(int(shrunk.mean()) - 100) < 3
    assert shrunk.std() < 6
    assert "averages over areas" in RESIZE_RULE


def test_doing_it_again_changes_nothing(accepted: Files, tmp_path: Path) -> None:
    folder = preparing.prepare(*accepted, 8, tmp_path / "arrays")
    before = (folder / "train_images.npy").stat().st_mtime_ns
    assert preparing.prepare(*accepted, 8, tmp_path / "arrays") == folder
    assert (folder / "train_images.npy").stat().st_mtime_ns == before


def test_two_at_once_make_one_whole_folder(accepted: Files, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "arrays"
    with ProcessPoolExecutor(3, get_context("spawn")) as processes:
        orders = [processes.submit(preparing.prepare, *accepted, 8, target) for _ in range(3)]
        assert [order.result() for order in orders] == [target] * 3
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["arrays"]


def test_a_failure_leaves_no_folder(accepted: Files, tmp_path: Path) -> None:
    archive, manifest = accepted
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(Exception, match="zip"):
        preparing.prepare(archive, manifest, 8, tmp_path / "deep" / "arrays")
    assert list((tmp_path / "deep").iterdir()) == []


def test_what_a_killed_process_left_is_removed_once_it_is_old(accepted: Files, tmp_path: Path) -> None:
    old, young = tmp_path / ".arrays.0ld", tmp_path / ".arrays.y0ung"
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    preparing.prepare(*accepted, 8, tmp_path / "arrays")
    assert not old.exists()
    assert young.exists()
