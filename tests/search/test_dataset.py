from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.dataset import load
from search.errors import DatasetInvalid
from tests.search.pictures import write_pictures


def test_a_folder_of_arrays_is_a_dataset(tmp_path: Path) -> None:
    dataset = write_pictures(tmp_path)
    assert dataset.image_px == 16
    assert dataset.classes == ("class 0", "class 1", "class 2")
    assert len(dataset.train) == len(dataset.validation) == len(dataset.test) == 72
    assert isinstance(dataset.train.images, np.memmap)


def test_a_smaller_resolution_averages_over_areas_and_is_made_once(tmp_path: Path) -> None:
    dataset = write_pictures(tmp_path)
    half = dataset.at(8)
    expected = dataset.train.images.reshape(72, 8, 2, 8, 2, 3).astype(float).mean(axis=(2, 4))
    assert np.abs(half.train.images - expected).max() <= 1  # Pillow rounds after each direction
    written = (tmp_path / "train_images_8px.npy").stat().st_mtime_ns
    dataset.at(8)
    assert (tmp_path / "train_images_8px.npy").stat().st_mtime_ns == written
    assert not list(tmp_path.glob("*.part*"))


@pytest.mark.parametrize(
    ("file", "value", "words"),
    [
        ("train_images.npy", np.zeros((72, 16, 16, 3), np.float32), "float32"),
        ("train_images.npy", np.zeros((72, 16, 12, 3), np.uint8), "not square"),
        ("test_labels.npy", np.zeros(5, int), "5 labels"),
        ("test_labels.npy", np.full(72, 3), "not within the 3 classes"),
        ("validation_images.npy", None, "cannot be read"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, file: str, value: np.ndarray | None, words: str) -> None:
    write_pictures(tmp_path)
    if value is None:
        (tmp_path / file).unlink()
    else:
        np.save(tmp_path / file, value)
    with pytest.raises(DatasetInvalid, match=words):
        load(tmp_path)
