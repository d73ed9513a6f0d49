"""Versions, shared bytes, and the one-way life of a version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError

from marketplace.accounts.models import User
from marketplace.datasets import services
from marketplace.datasets.lifecycle import Status, move
from marketplace.datasets.models import Dataset, DatasetVersion
from marketplace.errors import Conflict, WrongState
from marketplace.runs.models import Run
from marketplace.work.models import Event, Step
from tests.marketplace.datasets.archives import good_zip, zip_of
from tests.marketplace.datasets.conftest import files_in

Worker = Callable[[DatasetVersion], DatasetVersion]


def upload(owner: User, content: bytes, name: str = "shapes") -> DatasetVersion:
    return services.upload_dataset(owner=owner, name=name, upload=SimpleUploadedFile("s.zip", content))


def order_run(version: DatasetVersion) -> Run:
    return Run.objects.create(
        owner=version.dataset.owner,
        dataset_version=version,
        latency_limit_ms=3,
        device="dev_board",
        onchip_limit_bytes=1,
        image_px=32,
        trials_wanted=1,
    )


def test_a_second_upload_of_a_name_is_the_next_version(ann: User, ben: User) -> None:
    assert upload(ann, good_zip()).number == 1
    assert upload(ann, good_zip(per_class=13)).number == 2
    assert upload(ben, good_zip()).number == 1
    assert Dataset.objects.count() == 2


def test_an_upload_orders_its_check_and_tells_so(ann: User) -> None:
    version = upload(ann, good_zip())
    step = Step.objects.get()
    assert (step.kind, step.subject, step.status, step.needs) == ("check_dataset", version.pk, "waiting", "cpu")
    assert [event.text for event in Event.objects.all()] == ["Uploaded s.zip; it waits for its check."]


def test_equal_bytes_of_two_people_are_stored_once_and_outlive_one_of_them(
    ann: User, ben: User, files_dir: Path, django_capture_on_commit_callbacks: Any
) -> None:
    one, other = upload(ann, good_zip()), upload(ben, good_zip())
    assert len(files_in(files_dir)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        services.refuse_version(one, "No.")
    assert len(files_in(files_dir)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_version(version=other)
    assert files_in(files_dir) == []


def test_rows_that_cannot_be_written_leave_no_file(
    ann: User, files_dir: Path, nothing_stored: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise DatabaseError("the database went away")

    monkeypatch.setattr(services, "order_step", broken)
    with pytest.raises(DatabaseError):
        upload(ann, good_zip())
    assert nothing_stored()


def test_a_conflict_keeps_the_file_that_is_in_use(ann: User, files_dir: Path) -> None:
    upload(ann, good_zip())
    with pytest.raises(Conflict):
        upload(ann, good_zip())
    assert len(files_in(files_dir)) == 1


def test_a_ready_version_tells_its_figures(ann: User, work: Worker) -> None:
    version = work(upload(ann, good_zip()))
    assert version.status == "ready"
    assert version.checked_at is not None
    last = Event.objects.last()
    assert last is not None
    assert last.text == "Ready: 24 pictures in 2 classes; 16 train, 4 validate, 4 test."


def test_the_same_pictures_packed_otherwise_have_the_same_content_hash(ann: User, work: Worker) -> None:
    import zipfile

    from tests.marketplace.datasets.archives import good_files

    files = good_files()
    mixed = {f"top/{name}": files[name] for name in sorted(files, key=lambda name: hash(name))}
    one = work(upload(ann, good_zip()))
    other = work(upload(ann, zip_of(mixed, zipfile.ZIP_STORED)))
    assert one.archive_sha256 != other.archive_sha256
    assert one.content_sha256 == other.content_sha256


def test_one_changed_picture_changes_the_content_hash(ann: User, work: Worker) -> None:
    from tests.marketplace.datasets.archives import good_files, picture

    one = work(upload(ann, good_zip()))
    other = work(upload(ann, zip_of({**good_files(), "circle/0000.png": picture(7777)})))
    assert one.content_sha256 != other.content_sha256


def test_a_version_that_a_run_uses_is_not_deleted(ann: User, work: Worker, files_dir: Path) -> None:
    version = work(upload(ann, good_zip()))
    order_run(version)
    with pytest.raises(Conflict, match="1 run uses this version"):
        services.delete_version(version=version)
    assert DatasetVersion.objects.count() == 1
    assert len(files_in(files_dir)) == 3
    assert Event.objects.exists()


def test_deleting_leaves_neither_rows_nor_files(
    ann: User, work: Worker, nothing_stored: Callable[[], bool], django_capture_on_commit_callbacks: Any
) -> None:
    version = work(upload(ann, good_zip()))
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_version(version=version)
    Step.objects.all().delete()
    assert nothing_stored()


def test_deleting_while_it_is_checked_cancels_the_check(ann: User) -> None:
    version = upload(ann, good_zip())
    services.delete_version(version=version)
    assert Step.objects.get().status == "cancelled"


def test_deleting_one_version_keeps_the_others(ann: User) -> None:
    one, other = upload(ann, good_zip()), upload(ann, good_zip(per_class=13))
    services.delete_version(version=one)
    assert list(DatasetVersion.objects.all()) == [other]
    assert Dataset.objects.count() == 1


def test_of_two_workers_one_ends_the_check(ann: User) -> None:
    version = upload(ann, good_zip())
    late = DatasetVersion.objects.get(pk=version.pk)
    assert move(version, Status.REFUSED, refusal="No.")
    assert not move(late, Status.READY)
    late.refresh_from_db()
    assert (late.status, late.refusal) == ("refused", "No.")


def test_a_verdict_is_final(ann: User) -> None:
    version = upload(ann, good_zip())
    move(version, Status.REFUSED)
    for state in Status:
        with pytest.raises(WrongState):
            move(version, state)
