"""Stored files over HTTP: whole or in part, in constant memory, from disk or from object storage."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import IO, Any

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, http_date

from marketplace.conditional import Unsatisfiable, Window, failed_precondition, wanted_window
from marketplace.storage import open_stored

CHUNK_BYTES = 256 * 1024
SIGNED_FOR_S = 3600
CONTENT_TYPES = {".json": "application/json", ".txt": "text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A stored file as a client sees it."""

    name: str
    sha256: str
    byte_count: int
    storage_key: str
    modified: datetime
    cache_control: str
    """Who may keep it, and for how long."""

    @property
    def etag(self) -> str:
        """The strong ETag: its SHA-256."""
        return f'"{self.sha256}"'


class FileWindow:
    """Some bytes of an open file, as a file of its own; gunicorn sends it from the kernel (sendfile)."""

    def __init__(self, stream: IO[bytes], window: Window) -> None:
        self._stream = stream
        self._left = window.byte_count
        stream.seek(window.first)
        self.close = stream.close

    def fileno(self) -> int:
        """Return the file's descriptor, which stands at the first byte."""
        return self._stream.fileno()

    def read(self, byte_count: int = CHUNK_BYTES) -> bytes:
        """Return the next bytes, none after the last."""
        wanted = self._left if byte_count < 0 else min(byte_count, self._left)
        chunk = self._stream.read(wanted) if wanted else b""
        self._left -= len(chunk)
        return chunk

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK_BYTES):
            yield chunk


class WindowResponse(StreamingHttpResponse):
    """An answer that streams some bytes of a file."""

    block_size = CHUNK_BYTES

    def __init__(self, stream: IO[bytes], window: Window, **options: Any) -> None:
        self.file_to_stream = FileWindow(stream, window)
        super().__init__(self.file_to_stream, **options)
        self["Content-Length"] = str(window.byte_count)


def answer_file(
    request: HttpRequest, file: ServedFile, on_fetch: Callable[[], None] = lambda: None
) -> HttpResponseBase:
    """Return the answer to a GET or HEAD for a file.

    Args:
        request: its conditions and ranges are heeded.
        file: what is asked for, by somebody who may have it.
        on_fetch: called where the file is sent from its beginning, not for a continuation, HEAD or 304.
    """
    answer = _answer(request, file, on_fetch)
    answer["ETag"] = file.etag
    answer["Last-Modified"] = http_date(file.modified.timestamp())
    answer.setdefault("Cache-Control", file.cache_control)
    answer["X-Content-SHA256"] = file.sha256
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _answer(request: HttpRequest, file: ServedFile, on_fetch: Callable[[], None]) -> HttpResponseBase:
    failed = failed_precondition(request.headers, file.etag, file.modified)
    if failed is not None:
        return _without_body(failed, file)
    location = _signed_address(file)
    if location is not None:
        if request.method == "GET":
            on_fetch()
        return _elsewhere(location, file)
    try:
        window = wanted_window(request.headers, file.etag, file.modified, file.byte_count)
    except Unsatisfiable:
        answer = _without_body(416, file)
        answer["Content-Range"] = f"bytes */{file.byte_count}"
        return answer
    return _bytes(request, file, window, on_fetch)


def _bytes(
    request: HttpRequest, file: ServedFile, window: Window | None, on_fetch: Callable[[], None]
) -> HttpResponseBase:
    """Return the whole file, or the part that was asked for; HEAD gets the same headers and no body."""
    span = window or Window(0, file.byte_count - 1)
    answer: HttpResponseBase
    if request.method == "HEAD":
        # A HEAD has no range (RFC 9110, 14.2): clients read the whole length from it.
        span, window = Window(0, file.byte_count - 1), None
        answer = HttpResponse(content_type=_content_type(file.name))
    else:
        answer = WindowResponse(open_stored(file.storage_key), span, content_type=_content_type(file.name))
        if span.first == 0:
            on_fetch()
    answer.status_code = 200 if window is None else 206
    answer["Content-Length"] = str(span.byte_count)
    answer["Content-Disposition"] = _disposition(file)
    answer["Accept-Ranges"] = "bytes"
    answer["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:"
    if window is not None:
        answer["Content-Range"] = f"bytes {span.first}-{span.last}/{file.byte_count}"
    return answer


def _elsewhere(location: str, file: ServedFile) -> HttpResponse:
    """Send the client to object storage, saying what it will find there."""
    answer = HttpResponse(status=302)
    answer["Location"] = location
    answer["X-Linked-Etag"] = file.etag
    answer["X-Linked-Size"] = str(file.byte_count)
    answer["Cache-Control"] = "private, no-store"  # the address expires
    answer["Accept-Ranges"] = "bytes"
    return answer


def _signed_address(file: ServedFile) -> str | None:
    """Return where object storage gives the file for a while, or None where files are on this machine's disk."""
    try:
        default_storage.path(file.storage_key)
    except NotImplementedError:
        shown_as = {"ResponseContentDisposition": _disposition(file), "ResponseContentType": _content_type(file.name)}
        signed: Any = default_storage
        return str(signed.url(file.storage_key, parameters=shown_as, expire=SIGNED_FOR_S))
    return None


def _without_body(status: int, file: ServedFile) -> HttpResponse:
    answer = HttpResponse(status=status)
    if status == HTTPStatus.NOT_MODIFIED:
        del answer["Content-Type"]
        answer["Content-Length"] = str(file.byte_count)  # of the 200 that it stands for (RFC 9110, 8.6)
    answer["Accept-Ranges"] = "bytes"
    return answer


def _disposition(file: ServedFile) -> str:
    return str(content_disposition_header(as_attachment=True, filename=file.name))


def _content_type(name: str) -> str:
    suffix = name[name.rfind(".") :] if "." in name else ""
    return CONTENT_TYPES.get(suffix, "application/octet-stream")
