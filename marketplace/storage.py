"""Files of the site, kept under the SHA-256 of their bytes; and scratch folders that come and go.

Where they lie, on disk or in S3, is the business of the two storages that `settings.STORAGES` chooses from.
"""

from __future__ import annotations

import errno
import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection, transaction

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
    """Keep a stream's bytes under their hash; the same bytes are kept once, and never half.

    Within a transaction they stay until that ends, so that a row of it can refer to them.

    Raises:
        StorageFull: if there is no room.
    """
    sha256, count = sha256_of(stream)
    stored = StoredFile(f"{folder}/{sha256[:2]}/{sha256}", sha256, count)
    store_again(stream, stored)
    return stored


def store_again(stream: IO[bytes], stored: StoredFile) -> None:
    """See that bytes are kept that were stored before; as `store`, but without reading them if they are."""
    if connection.in_atomic_block:
        hold([stored.key])
    if not is_kept(stored.key, stored.byte_count):
        stream.seek(0)
        with room_needed():
            default_storage.save(stored.key, File(stream, name=stored.key))


def is_kept(key: str, byte_count: int) -> bool:
    """Return whether a file of this length is kept."""
    try:
        return default_storage.size(key) == byte_count
    except FileNotFoundError:
        return False


def hold(keys: Iterable[str]) -> None:
    """Let nobody else hold one of these files before this transaction ends; wait while somebody does.

    Whoever writes a row that refers to a file holds it, and so does `forget_unused`: so a file is not removed between
    being found and being referred to. SQLite needs no more for that than that it has one writer at a time.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for key in sorted(set(keys)):  # in one order, so that two never wait for each other
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def store_path(path: Path, folder: str) -> StoredFile:
    """Keep the bytes of a local file."""
    with path.open("rb") as stream:
        return store(stream, folder)


def open_stored(key: str) -> IO[bytes]:
    """Open a kept file for reading.

    Raises:
        FileNotFoundError: if it is not kept.
    """
    return default_storage.open(key, "rb")


def fetch(key: str, target: Path) -> Path:
    """Bring a kept file to a local path, where it appears once it is whole; what stands there stays.

    Raises:
        FileNotFoundError: if it is not kept.
        StorageFull: if there is no room for it here.
        OSError: if its bytes are no longer those that were stored.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    passing = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with room_needed(), open_stored(key) as source, passing.open("xb") as sink:
            digest = _copy(source, sink)
        if digest != key.rpartition("/")[2]:
            raise OSError(errno.EIO, f"the stored file {key} is damaged: the SHA-256 of its bytes is {digest}")
        passing.replace(target)
    finally:
        passing.unlink(missing_ok=True)
    return target


def _copy(source: IO[bytes], sink: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        sink.write(chunk)
    return digest.hexdigest()


def forget(key: str) -> None:
    """Remove a kept file; one that is not there is no error."""
    if key:
        default_storage.delete(key)


def forget_unused(keys: Iterable[str], is_used: Callable[[str], bool]) -> None:
    """Remove those kept files that no row refers to, nor will when the transactions that hold them have ended."""
    for key in sorted({key for key in keys if key}):
        with transaction.atomic():
            hold([key])
            if not is_used(key):
                forget(key)


def scratch_folder(*parts: str) -> Path:
    """Return a local folder for passing work; it may be removed whenever no step is running."""
    folder = Path(settings.DATA_DIR, "scratch", *parts)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
