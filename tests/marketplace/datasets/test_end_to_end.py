"""From the upload to the arrays that training reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from marketplace.datasets import services
from marketplace.datasets.checking import check_archive
from marketplace.datasets.models import DatasetVersion
from marketplace.datasets.preparing import prepare
from marketplace.storage import fetch
from marketplace.work.models import Step
from tests.marketplace.datasets.archives import good_zip
from tests.marketplace.datasets.conftest import form


def test_a_dataset_goes_from_upload_to_arrays(
    program: Client, tmp_path: Path, django_capture_on_commit_callbacks: object
) -> None:
    answer = program.post("/api/datasets", form(good_zip(per_class=20)))
    assert answer.status_code == 202, answer.content
    assert answer["Location"] == f"/api/datasets/{answer.json()['id']}"
    assert answer.json()["progress"]["phase"] == "Waiting for a worker"
    version = DatasetVersion.objects.get(pk=answer.json()["id"])
    assert Step.objects.get(kind="check_dataset").subject == version.pk

    archive = fetch(version.archive_key, tmp_path / "work" / "archive.zip")
    checked = json.loads(json.dumps(check_archive(archive, tmp_path / "work", lambda told: None, max_pictures=100)))
    services.accept_version(version, checked)

    shown = program.get(answer["Location"]).json()
    assert shown["status"] == "ready"
    assert shown["classes"] == ["circle", "square"]
    assert shown["statistics"]["splits"] == {"train": 28, "validation": 6, "test": 6}
    version.refresh_from_db()
    manifest = fetch(version.manifest_key, tmp_path / "manifest.json")
    folder = prepare(archive, manifest, 16, tmp_path / "arrays")
    assert json.loads((folder / "classes.json").read_text()) == ["circle", "square"]
    assert np.load(folder / "train_images.npy").shape == (28, 16, 16, 3)
    labels = np.load(folder / "test_labels.npy")
    assert labels.dtype == np.int64
    assert sorted(labels.tolist()) == [0, 0, 0, 1, 1, 1]


def test_what_search_reads_is_what_is_prepared(tmp_path: Path) -> None:
    load = pytest.importorskip("search.dataset").load
    archive = tmp_path / "a.zip"
    archive.write_bytes(good_zip())
    checked = check_archive(archive, tmp_path, lambda told: None, max_pictures=100)
    dataset = load(prepare(archive, Path(checked["manifest"]), 8, tmp_path / "arrays"))
    assert dataset.classes == ("circle", "square")
    assert len(dataset.train) == 16
