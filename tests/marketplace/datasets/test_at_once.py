"""Several people and programs at once, on a database where they really meet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from marketplace.accounts.models import User
from marketplace.datasets import services
from marketplace.datasets.models import Dataset, DatasetVersion
from marketplace.errors import Conflict
from tests.marketplace.datasets.archives import good_zip
from tests.marketplace.datasets.conftest import files_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite in memory has one writer: run on PostgreSQL"),
]


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    def alone(act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Conflict as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(alone, acts))


def uploading(owner: User, content: bytes) -> Callable[[], DatasetVersion]:
    return lambda: services.upload_dataset(
        owner=owner, name="shapes", upload=SimpleUploadedFile("s.zip", content, "application/zip")
    )


def test_uploads_at_once_get_different_numbers() -> None:
    owner = User.objects.create_user("ann")
    contents = [good_zip(per_class=count) for count in range(10, 16)]
    versions = at_once([uploading(owner, content) for content in contents])
    assert sorted(version.number for version in versions) == [1, 2, 3, 4, 5, 6]
    assert Dataset.objects.count() == 1


def test_of_the_same_bytes_at_once_one_is_taken(files_dir: Path) -> None:
    owner = User.objects.create_user("ann")
    results = at_once([uploading(owner, good_zip())] * 5)
    assert sum(isinstance(one, DatasetVersion) for one in results) == 1
    assert sum(isinstance(one, Conflict) for one in results) == 4
    assert len(files_in(files_dir)) == 1


def test_an_upload_keeps_its_bytes_while_equal_ones_are_deleted(files_dir: Path) -> None:
    ann, ben = User.objects.create_user("ann"), User.objects.create_user("ben")
    for _ in range(10):
        theirs = uploading(ben, good_zip())()
        mine, _ = at_once([uploading(ann, good_zip()), lambda version=theirs: services.delete_version(version=version)])
        assert len(files_in(files_dir)) == 1, "the file of the version that stays"
        services.delete_version(version=mine)
        assert files_in(files_dir) == []
