"""What tests of datasets share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from marketplace.accounts.models import User
from marketplace.accounts.tokens import make_token
from marketplace.datasets import services
from marketplace.datasets.checking import FINDINGS_FILE, check_archive
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput
from marketplace.storage import fetch

Checker = Callable[[bytes], dict[str, Any]]


@pytest.fixture(scope="session", autouse=True)
def _static_root() -> None:
    """The folder of collected files, of which whitenoise warns where it is missing."""
    from django.conf import settings

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def files_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An empty store and upload folder for each test, to see that nothing is left in them."""
    settings = request.getfixturevalue("settings")
    folder = tmp_path / "files"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": str(folder)}},
    }
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(uploads)
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0  # so that passing files are on disk, where they could be left
    return folder


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def nothing_stored(files_dir: Path) -> Callable[[], bool]:
    """Say whether neither rows nor files nor passing files are left."""
    from marketplace.datasets.models import Dataset, DatasetVersion
    from marketplace.work.models import Event, Step

    def look() -> bool:
        rows = [model.objects.count() for model in (Dataset, DatasetVersion, Event, Step)]
        return not any(rows) and not files_in(files_dir) and not files_in(files_dir.with_name("uploads"))

    return look


@pytest.fixture
def check(tmp_path: Path) -> Checker:
    """Check an archive as the worker does."""

    def run(content: bytes) -> dict[str, Any]:
        archive, out_dir = tmp_path / "archive.zip", tmp_path / "out"
        archive.write_bytes(content)
        out_dir.mkdir(exist_ok=True)
        return check_archive(archive, out_dir, lambda progress: None, max_pictures=1000)

    return run


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", password="a long password")


@pytest.fixture
def ben(db: None) -> User:
    return User.objects.create_user("ben", password="a long password")


@pytest.fixture
def page(ann: User) -> Client:
    """Ann's browser."""
    client = Client()
    client.force_login(ann)
    return client


@pytest.fixture
def program(ann: User) -> Client:
    """Ann's program, with a token."""
    _, secret = make_token(user=ann, name="test", scopes=["read", "datasets:write"])
    return Client(headers={"Authorization": f"Bearer {secret}"})


def form(content: bytes, name: str = "shapes") -> dict[str, Any]:
    return {"name": name, "file": SimpleUploadedFile("shapes.zip", content, "application/zip")}


@pytest.fixture
def work(tmp_path: Path, django_capture_on_commit_callbacks: Any) -> Callable[[DatasetVersion], DatasetVersion]:
    """Do what a worker does with an ordered check."""

    def run(version: DatasetVersion) -> DatasetVersion:
        folder = tmp_path / f"work-{version.pk}"
        archive = fetch(version.archive_key, folder / "archive.zip")
        with django_capture_on_commit_callbacks(execute=True):
            try:
                checked = check_archive(archive, folder, lambda progress: None, max_pictures=1000)
            except BadInput as error:
                findings = json.loads((folder / FINDINGS_FILE).read_text())
                services.refuse_version(version, error.sentence, findings)
            else:
                services.accept_version(version, json.loads(json.dumps(checked)))
        version.refresh_from_db()
        return version

    return run
