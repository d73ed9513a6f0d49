"""Several people and programs at once, on a database where they really meet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.catalog.models import ReleaseFile
from marketplace.catalog.releasing import Words
from marketplace.datasets import services
from marketplace.datasets.models import Dataset, DatasetVersion
from marketplace.errors import Conflict
from marketplace.imports.models import Import
from marketplace.imports.publishing import publish_import
from marketplace.imports.services import bring_model, delete_import
from tests.marketplace.datasets.archives import good_zip
from tests.marketplace.datasets.conftest import files_in
from tests.marketplace.imports.brought import ready_import, upload

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite in memory has one writer: run on PostgreSQL"),
]


def alone(act: Callable[[], Any]) -> Any:
    """Do something on a connection of its own; return its result or its refusal."""
    try:
        return act()
    except Conflict as error:
        return error
    finally:
        connection.close()


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(alone, acts))


def within_removal(monkeypatch: pytest.MonkeyPatch, delete: Callable[[], None], act: Callable[[], Any]) -> Any:
    """Let something happen after a deletion found that a file is not used, and before it removes it."""
    remove, begun = storage.forget, []
    with ThreadPoolExecutor(1) as threads:

        def removing(key: str) -> None:
            if not begun:
                begun.append(threads.submit(alone, act))
                wait(begun, timeout=1)  # it may end now, or wait for us
            remove(key)

        monkeypatch.setattr(storage, "forget", removing)
        delete()
        monkeypatch.undo()
        return begun[0].result()


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


def test_an_upload_that_meets_the_removal_of_equal_bytes_keeps_its_own(
    files_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = User.objects.create_user("ann"), User.objects.create_user("ben")
    theirs = uploading(ben, good_zip())()

    mine = within_removal(monkeypatch, lambda: services.delete_version(version=theirs), uploading(ann, good_zip()))

    assert storage.is_kept(mine.archive_key, mine.archive_bytes)
    assert len(files_in(files_dir)) == 1


def test_a_model_that_meets_the_removal_of_equal_bytes_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = User.objects.create_user("ann"), User.objects.create_user("ben")
    theirs = bring_model(owner=ben, name="net", upload=upload())

    mine = within_removal(
        monkeypatch, lambda: delete_import(brought=theirs), lambda: bring_model(owner=ann, name="net", upload=upload())
    )

    assert storage.is_kept(mine.file_key, mine.file_bytes)


def test_what_is_published_while_it_is_deleted_is_whole_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = User.objects.create_user("ann")
    brought = ready_import(owner)
    found = Import.objects.get(pk=brought.pk)
    card_files = list(found.files.order_by("name"))
    monkeypatch.setattr("marketplace.imports.publishing.publishable_files", lambda *_: card_files)  # found before

    release = within_removal(
        monkeypatch,
        lambda: delete_import(brought=brought),
        lambda: publish_import(owner=owner, brought=found, words=Words("mine")),
    )

    assert isinstance(release, Conflict)
    assert "deleted" in release.sentence
    assert not ReleaseFile.objects.exists()
