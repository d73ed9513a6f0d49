"""What people and workers do with models brought along: bring, accept, refuse, delete."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q

from edgetpu.devices import DEVICES
from marketplace.accounts.models import User
from marketplace.accounts.names import is_name
from marketplace.catalog.models import ReleaseFile
from marketplace.datasets.findings import show
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput, Conflict, NotFound, TooLarge
from marketplace.imports.lifecycle import Status, move
from marketplace.imports.models import Import, ImportFile
from marketplace.storage import StoredFile, forget_unused, store, store_again
from marketplace.work import lifecycle as work_lifecycle
from marketplace.work.models import Event, Step
from marketplace.work.services import order_step, tell
from models.pixels import RANGES

FOLDER = "imports"
LARGEST_MODEL_BYTES = 512 * 2**20
"""Sixty times what the Edge TPU keeps on the chip."""
MOST_WAITING = 5
MOST_LABELS = 20_000
LONGEST_LABEL = 200
AUTOMATIC = "auto"
RESULT_FIELDS = (
    "kind",
    "format",
    "preprocessing",
    "notes",
    "estimate",
    "quantization",
    "compilation",
    "validation",
    "labels",
)
"""What a worker finds out, by the names of the columns."""


def largest_bytes() -> int:
    """Return how large a model may be on this site."""
    return min(LARGEST_MODEL_BYTES, int(settings.MAX_UPLOAD_BYTES))


def bring_model(
    *,
    owner: User,
    name: str,
    upload: UploadedFile[Any],
    dataset_version: DatasetVersion | None = None,
    pixels: str = AUTOMATIC,
    labels: str = "",
    device: str = "devboard",
) -> Import:
    """Store a model file and order its opening; nothing of it is read here.

    Args:
        owner: who brings it.
        name: what to call it; also the name under which it would be published.
        upload: the file.
        dataset_version: a ready one of the owner, to calibrate and judge with.
        pixels: a key of models.pixels.RANGES, or "auto".
        labels: names of the answers, one a line; empty: those of the dataset, where they fit.
        device: a key of edgetpu.devices.DEVICES, for the card.

    Raises:
        BadInput: if a value cannot be used.
        NotFound: if the dataset is somebody else's.
        TooLarge: if the file is over the limit.
        Conflict: if too many of the owner's models are being opened already.
        StorageFull: if there is no room; nothing is stored then.
    """
    values = {"name": _clean_name(name), "labels": _clean_labels(labels), "pixels": pixels, "device": device}
    if pixels != AUTOMATIC and pixels not in RANGES:
        raise BadInput(f"“Pixels” must be one of {AUTOMATIC}, {', '.join(RANGES)}.", field="pixels")
    if device not in DEVICES:
        raise BadInput(f"There is no device “{show(device, 40)}”. Known are {', '.join(DEVICES)}.", field="device")
    if dataset_version is not None:
        values |= _dataset_values(owner, dataset_version)
    if Import.objects.filter(owner=owner, status=Status.WORKING).count() >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} of your models are being opened. Wait until one is done, or delete one.")
    return _order(owner, values, os.path.basename(upload.name or ""), _stream_of(upload))


def accept_import(brought: Import, found: Mapping[str, Any], files: Mapping[str, StoredFile]) -> None:
    """Keep what opening found and made. Call within the lease's transaction."""
    if move(brought, Status.READY, **{field: found[field] for field in RESULT_FIELDS}):
        ImportFile.objects.bulk_create(
            ImportFile(brought=brought, name=name, sha256=file.sha256, byte_count=file.byte_count, storage_key=file.key)
            for name, file in files.items()
        )
        tell(Event.About.IMPORT, brought.pk, f"Opened: {brought.estimate['sentence']}")


def refuse_import(brought: Import, sentence: str) -> None:
    """Say why a model cannot be used and let go of its bytes. Call within the lease's transaction."""
    key = brought.file_key
    if move(brought, Status.REFUSED, refusal=sentence, file_key=""):
        tell(Event.About.IMPORT, brought.pk, f"Refused: {sentence}")
        transaction.on_commit(lambda: forget_unused([key], _is_used))


def delete_import(*, brought: Import) -> None:
    """Delete an import with those of its files that no release has."""
    keys = [brought.file_key, *brought.files.values_list("storage_key", flat=True)]
    with transaction.atomic():
        work_lifecycle.cancel(Q(kind=Step.Kind.IMPORT, subject=brought.pk))
        Event.objects.filter(about=Event.About.IMPORT, subject=brought.pk).delete()
        Import.objects.filter(pk=brought.pk).delete()
        transaction.on_commit(lambda: forget_unused(keys, _is_used))


def _is_used(key: str) -> bool:
    """Return whether an import or a release refers to a kept file: equal files are kept once."""
    return (
        Import.objects.filter(file_key=key).exists()
        or ImportFile.objects.filter(storage_key=key).exists()
        or ReleaseFile.objects.filter(storage_key=key).exists()
    )


def _order(owner: User, values: dict[str, Any], file_name: str, stream: IO[bytes]) -> Import:
    stored = store(stream, FOLDER)
    try:
        with transaction.atomic():
            store_again(stream, stored)  # equal bytes of somebody else may have been deleted since
            brought = Import.objects.create(
                owner=owner,
                file_name=show(file_name, 200),
                file_key=stored.key,
                file_sha256=stored.sha256,
                file_bytes=stored.byte_count,
                **values,
            )
            tell(Event.About.IMPORT, brought.pk, f"Uploaded {show(brought.file_name)}; it waits to be opened.")
            order_step(kind=Step.Kind.IMPORT, subject=brought.pk)
    except BaseException:
        forget_unused([stored.key], _is_used)
        raise
    return brought


def _dataset_values(owner: User, version: DatasetVersion) -> dict[str, Any]:
    if version.dataset.owner_id != owner.pk:
        raise NotFound("There is no such dataset, or it belongs to somebody else.", field="dataset_version")
    if not version.ready:
        raise BadInput("This dataset is not ready. Wait for its check, or choose another.", field="dataset_version")
    facts = {
        "name": str(version.dataset),
        "version": version.number,
        "content_sha256": version.content_sha256,
        "resize_rule": version.statistics.get("resize_rule", ""),
    }
    return {"dataset_version": version, "dataset_facts": facts}


def _stream_of(upload: UploadedFile[Any]) -> IO[bytes]:
    limit = largest_bytes()
    if not upload.size:
        raise BadInput("This file is empty. Choose your model again.", field="file")
    if upload.size > limit:
        raise TooLarge(
            f"This file has {upload.size / 2**20:,.0f} MiB; a model may have {limit / 2**20:,.0f} MiB. The Edge TPU "
            "keeps some 8 MiB on the chip: bring a smaller network.",
            field="file",
        )
    return cast(IO[bytes], upload.file)


def _clean_name(name: str) -> str:
    name = name.strip()
    try:
        is_name(name)
    except ValidationError as error:
        raise BadInput(f"“{show(name, 40)}” cannot be a model's name. {error.message}", field="name") from error
    return name


def _clean_labels(text: str) -> list[str]:
    labels = [line.strip() for line in text.strip().splitlines()]
    if not any(labels):
        return []
    if len(labels) > MOST_LABELS or any(len(label) > LONGEST_LABEL or "\x00" in label for label in labels):
        raise BadInput(
            f"Give at most {MOST_LABELS:,} labels of at most {LONGEST_LABEL} characters, one a line.", field="labels"
        )
    if len({label.casefold() for label in labels}) < len(labels) and "" in labels:
        raise BadInput("There are empty lines between the labels: give every answer a name.", field="labels")
    return labels
