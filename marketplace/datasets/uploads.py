"""Receiving an uploaded file whole, or not at all: too long, cut off half-way, and a full disk each get a sentence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.handlers.wsgi import LimitedStream
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from marketplace.errors import BadInput, StorageFull, TooLarge, UploadCutOff
from marketplace.middleware import CUT_OFF
from marketplace.storage import room_needed

FORM_BYTES = 2**20
"""What a form may have besides the file."""
DRAIN_BYTES = 256 * 2**20
ABANDONED_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Awaited:
    """What is to come, in the words of its refusals."""

    limit_bytes: int
    advice: str
    """What to do with a file that is too long."""
    missing: str
    """What to say where no file came."""


def received(request: HttpRequest) -> tuple[str, UploadedFile[Any]]:
    """Return the dataset's name and the file of a multipart request.

    Raises:
        UserError: as `received_file`.
    """
    pictures = Awaited(
        settings.MAX_UPLOAD_BYTES,
        "Make the pictures smaller, or upload a part of them.",
        "No file came with the form. Choose a ZIP of class folders.",
    )
    upload = received_file(request, pictures)
    return request.POST.get("name", ""), upload


def received_file(request: HttpRequest, awaited: Awaited) -> UploadedFile[Any]:
    """Return the file of a multipart request.

    Raises:
        TooLarge: decided by Content-Length, before a byte of the file is written.
        UploadCutOff: if fewer bytes came than were announced.
        StorageFull: if the passing copy does not fit on the disk.
        BadInput: if there is no file.
    """
    _remove_abandoned()
    _refuse_too_long(request, awaited)
    try:
        with _closed_on_failure(request), room_needed():
            upload = request.FILES.get("file")
    except UnreadablePostError as error:
        raise UploadCutOff(CUT_OFF) from error
    except MultiPartParserError as error:
        raise BadInput("Send the file as multipart/form-data with the fields “name” and “file”.") from error
    except StorageFull:
        _drain(request)
        raise
    _refuse_cut_off(request)
    if upload is None:
        raise BadInput(awaited.missing, field="file")
    return upload


@contextmanager
def _closed_on_failure(request: HttpRequest) -> Iterator[None]:
    """Remove the passing file of a parse that failed; Django leaves it to the garbage collector."""
    try:
        yield
    except Exception:
        for handler in request.upload_handlers:
            passing = getattr(handler, "file", None)
            if passing is not None:
                with suppress(OSError):  # what is still buffered does not fit either; the file goes all the same
                    passing.close()
        raise


def _refuse_too_long(request: HttpRequest, awaited: Awaited) -> None:
    limit = awaited.limit_bytes
    announced = _announced(request)
    if announced > limit + FORM_BYTES:
        _drain(request)
        raise TooLarge(
            f"This upload has {announced / 2**20:,.0f} MiB; this site takes up to {limit / 2**20:,.0f} MiB. "
            f"{awaited.advice}",
            field="file",
        )


def _announced(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() else 0


def _refuse_cut_off(request: HttpRequest) -> None:
    """Refuse a short body: Django takes what arrived for the whole file."""
    stream = getattr(request, "_stream", None)
    if isinstance(stream, LimitedStream) and getattr(stream, "_pos", stream.limit) < stream.limit:
        raise UploadCutOff(CUT_OFF)


def _drain(request: HttpRequest) -> None:
    """Read on for a while: a sender that is cut off never sees the sentence."""
    taken = 0
    with suppress(OSError):
        while taken < DRAIN_BYTES and (piece := request.read(2**20)):
            taken += len(piece)


def _remove_abandoned() -> None:
    """Remove passing files of uploads whose process was killed."""
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > ABANDONED_S:
                path.unlink()
