"""Files of the site, stored under the hash of their content; and scratch folders that come and go."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage

from marketplace.errors import StorageFull

CHUNK_BYTES = 2**20
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL = "The disk of this site is full, so nothing was stored. Remove old datasets or runs, then try again."


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where a file's bytes are, and what they are."""

    key: str
    sha256: str
    byte_count: int


@contextmanager
def room_needed() -> Iterator[None]:
    """Turn "no space left on device" into a sentence.

    Raises:
        StorageFull: if the disk or the quota is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull(FULL) from error
        raise


def sha256_of(stream: IO[bytes]) -> tuple[str, int]:
    """Return the SHA-256 and the length of a stream, which is then back at its start."""
    digest, count = hashlib.sha256(), 0
    stream.seek(0)
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
        count += len(chunk)
    stream.seek(0)
    return digest.hexdigest(), count


def store(stream: IO[bytes], folder: str) -> StoredFile:
    """Keep a stream's bytes; the same bytes are kept once. A half-written file is never left under its key.

    Raises:
        StorageFull: if there is no room.
    """
    sha256, count = sha256_of(stream)
    key = f"{folder}/{sha256[:2]}/{sha256}"
    with room_needed():
        if not (default_storage.exists(key) and default_storage.size(key) == count):
            _write_whole(key, stream, count)
    return StoredFile(key, sha256, count)


def _write_whole(key: str, stream: IO[bytes], count: int) -> None:
    """Write under a passing name on disk and rename; S3 shows an object only once it is whole."""
    if not hasattr(default_storage, "location") or not _on_disk():
        default_storage.save(key, File(stream, name=key))
        return
    target = Path(default_storage.path(key))
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    passing = target.with_name(f".{target.name}.{id(stream):x}")
    try:
        with passing.open("wb") as sink:
            shutil.copyfileobj(stream, sink, CHUNK_BYTES)
        passing.replace(target)
    finally:
        passing.unlink(missing_ok=True)


def _on_disk() -> bool:
    return "FileSystemStorage" in settings.STORAGES["default"]["BACKEND"]


def store_path(path: Path, folder: str) -> StoredFile:
    """Keep the bytes of a local file."""
    with path.open("rb") as stream:
        return store(stream, folder)


def open_stored(key: str) -> IO[bytes]:
    """Open a kept file for reading."""
    return default_storage.open(key, "rb")


def fetch(key: str, target: Path) -> Path:
    """Bring a kept file to a local path; what stands there whole stays."""
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    passing = target.with_name(f".{target.name}.part")
    with room_needed(), open_stored(key) as source, passing.open("wb") as sink:
        shutil.copyfileobj(source, sink, CHUNK_BYTES)
    passing.replace(target)
    return target


def forget(key: str) -> None:
    """Remove a kept file; one that is not there is no error."""
    if key:
        default_storage.delete(key)


def scratch_folder(*parts: str) -> Path:
    """Return a local folder for passing work; it may be removed whenever no step is running."""
    folder = Path(settings.DATA_DIR, "scratch", *parts)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
