"""What people and workers do with datasets: upload, accept, refuse, delete."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max, ProtectedError, Q

from marketplace.accounts.models import User
from marketplace.accounts.names import is_name
from marketplace.datasets.archive import open_archive
from marketplace.datasets.findings import show
from marketplace.datasets.lifecycle import Status, move
from marketplace.datasets.models import Dataset, DatasetVersion
from marketplace.errors import BadInput, Conflict, TooLarge
from marketplace.storage import StoredFile, forget_unused, store, store_again, store_path
from marketplace.work import lifecycle as work_lifecycle
from marketplace.work.models import Event, Step
from marketplace.work.services import order_step, tell

FOLDER = "datasets"
KEY_FIELDS = ("archive_key", "manifest_key", "sheet_key")


def upload_dataset(*, owner: User, name: str, upload: UploadedFile[Any]) -> DatasetVersion:
    """Store a ZIP as the next version of a dataset and order its check; it is not decoded here.

    Raises:
        BadInput: if the name or the archive cannot be used.
        TooLarge: if it is over this site's limit.
        Conflict: if the dataset has these very bytes already.
        StorageFull: if there is no room; nothing is stored then.
    """
    name = clean_name(name)
    stream = _stream_of(upload)
    with open_archive(stream, max_pictures=settings.MAX_PICTURES):
        stream.seek(0)
    stored = store(stream, FOLDER)
    try:
        with transaction.atomic():
            store_again(stream, stored)  # equal bytes of somebody else may have been deleted since
            version = _next_version(owner, name, os.path.basename(upload.name or ""), stored)
            tell(Event.About.DATASET, version.pk, f"Uploaded {show(version.archive_name)}; it waits for its check.")
            order_step(kind=Step.Kind.CHECK_DATASET, subject=version.pk)
    except BaseException:
        forget_unused([stored.key], _is_used)
        raise
    return version


def clean_name(name: str) -> str:
    """Return a dataset's name.

    Raises:
        BadInput: if it cannot be one.
    """
    name = name.strip()
    try:
        is_name(name)
    except ValidationError as error:
        raise BadInput(f"“{show(name, 40)}” cannot be a dataset's name. {error.message}", field="name") from error
    return name


def accept_version(version: DatasetVersion, checked: dict[str, Any]) -> None:
    """Keep what checking found, and make the version ready. Call within the lease's transaction."""
    manifest = store_path(Path(checked["manifest"]), FOLDER)
    sheet = store_path(Path(checked["sheet"]), FOLDER)
    moved = move(
        version,
        Status.READY,
        classes=checked["classes"],
        statistics=checked["statistics"],
        findings=checked["findings"],
        content_sha256=checked["content_sha256"],
        manifest_key=manifest.key,
        sheet_key=sheet.key,
    )
    if moved:
        tell(Event.About.DATASET, version.pk, _ready_text(version))


def refuse_version(version: DatasetVersion, sentence: str, findings: Sequence[dict[str, Any]] = ()) -> None:
    """Say why a version cannot be used and let go of its bytes. Call within the lease's transaction."""
    key = version.archive_key
    if move(version, Status.REFUSED, refusal=sentence, findings=list(findings), archive_key=""):
        tell(Event.About.DATASET, version.pk, f"Refused: {sentence}")
        transaction.on_commit(lambda: forget_unused([key], _is_used))


def delete_version(*, version: DatasetVersion) -> None:
    """Delete a version with its files, and the dataset with its last version.

    Raises:
        Conflict: if runs use it.
    """
    keys = [getattr(version, field) for field in KEY_FIELDS]
    with transaction.atomic():
        work_lifecycle.cancel(Q(kind=Step.Kind.CHECK_DATASET, subject=version.pk))
        Event.objects.filter(about=Event.About.DATASET, subject=version.pk).delete()
        try:
            DatasetVersion.objects.filter(pk=version.pk).delete()
        except ProtectedError as error:
            count = len(error.protected_objects)
            raise Conflict(
                f"{count:,} run{'s use' if count > 1 else ' uses'} this version, so it was not deleted: a model must "
                "be traceable to its pictures. Delete the runs first."
            ) from error
        if not DatasetVersion.objects.filter(dataset=version.dataset_id).exists():
            Dataset.objects.filter(pk=version.dataset_id).delete()
        transaction.on_commit(lambda: forget_unused(keys, _is_used))


def _is_used(key: str) -> bool:
    """Return whether a version refers to a kept file: equal uploads share one."""
    used = Q()
    for field in KEY_FIELDS:
        used |= Q(**{field: key})
    return DatasetVersion.objects.filter(used).exists()


def _stream_of(upload: UploadedFile[Any]) -> IO[bytes]:
    limit = settings.MAX_UPLOAD_BYTES
    if upload.size is not None and upload.size > limit:
        raise TooLarge(
            f"This file has {upload.size / 2**20:,.0f} MiB; this site takes up to {limit / 2**20:,.0f} MiB. Make the "
            "pictures smaller, or upload a part of them.",
            field="file",
        )
    if not upload.size:
        raise BadInput("This file is empty. Choose the ZIP again.", field="file")
    return cast(IO[bytes], upload.file)


def _next_version(owner: User, name: str, archive_name: str, stored: StoredFile) -> DatasetVersion:
    dataset, _ = Dataset.objects.get_or_create(owner=owner, name=name)
    dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
    same = dataset.versions.filter(archive_sha256=stored.sha256).exclude(status=Status.REFUSED).first()
    if same is not None:
        raise Conflict(
            f"These are the very bytes of version {same.number} of “{name}”, so no new version was made. Use that one.",
            field="file",
        )
    last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
    return DatasetVersion.objects.create(
        dataset=dataset,
        number=last + 1,
        archive_key=stored.key,
        archive_name=show(archive_name, 200),
        archive_sha256=stored.sha256,
        archive_bytes=stored.byte_count,
    )


def _ready_text(version: DatasetVersion) -> str:
    counts = version.statistics["splits"]
    return (
        f"Ready: {version.statistics['pictures']:,} pictures in {len(version.classes):,} classes; "
        f"{counts['train']:,} train, {counts['validation']:,} validate, {counts['test']:,} test."
    )
