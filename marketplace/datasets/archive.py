"""Is a ZIP safe to read? Decided from its list of entries alone; no picture is unpacked."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from marketplace.datasets.findings import show
from marketplace.errors import BadInput

MAX_UNPACKED_BYTES = 20 * 2**30
MAX_RATIO = 100
"""An archive may unpack to so many times its size; photographs reach about 1, drawings 10, zip bombs 1,000."""
MAX_ENTRY_RATIO = 500
RATIO_FREE_BYTES = 50 * 2**20
"""Ratios are judged only above this: a blank bitmap shrinks a thousandfold and harms nobody."""
LIST_BYTES_PER_PICTURE = 200
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED_FLAGS = 0x0001 | 0x0040 | 0x2000
LOCAL_HEADER_BYTES = 30

NOT_A_ZIP = "This file is not a ZIP archive. Pack the folder that holds your class folders as a ZIP and upload that."
DAMAGED = "The list of files in this ZIP is damaged, perhaps because a copy stopped half-way. Make the ZIP anew."
BAD_ZIP = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    OSError,
    ValueError,
    struct.error,
    EOFError,
    IndexError,
    OverflowError,
    RuntimeError,
)
"""What Python's reader raises for archives that are broken or hostile."""


class BoundedReads(io.BufferedIOBase):
    """A file that refuses to be read in one huge piece, as zipfile does with a list of entries."""

    def __init__(self, source: IO[bytes], piece_bytes: int) -> None:
        self._source = source
        self._piece_bytes = piece_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        """Read a piece.

        Raises:
            BadInput: if it is larger than allowed.
        """
        if size is None or size < 0:
            here = self._source.tell()
            size = self._source.seek(0, io.SEEK_END) - here
            self._source.seek(here)
        if size > self._piece_bytes:
            raise BadInput("This ZIP lists far too many files. Upload at most as many pictures as this site takes.")
        return self._source.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move."""
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        """Return where it stands."""
        return self._source.tell()

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def readable(self) -> bool:
        """Say yes."""
        return True


@contextmanager
def open_archive(source: Path | IO[bytes], *, max_pictures: int) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP whose list of entries holds nothing dangerous.

    Raises:
        BadInput: if it is no ZIP, or not a safe one.
    """
    if isinstance(source, Path):
        with source.open("rb") as stream, open_archive(stream, max_pictures=max_pictures) as archive:
            yield archive
        return
    bounded = BoundedReads(source, max_pictures * LIST_BYTES_PER_PICTURE + 2**20)
    with _opened(bounded) as archive:
        refuse_unsafe(archive.infolist(), source.seek(0, io.SEEK_END), max_pictures)
        yield archive


def _opened(source: BoundedReads) -> zipfile.ZipFile:
    try:
        source.seek(0)
        if not zipfile.is_zipfile(source):
            raise BadInput(NOT_A_ZIP)
        return zipfile.ZipFile(source)
    except BAD_ZIP as error:
        raise BadInput(DAMAGED) from error


def refuse_unsafe(entries: Sequence[zipfile.ZipInfo], archive_bytes: int, max_pictures: int) -> None:
    """Refuse a list of entries that could harm whoever unpacks it.

    Raises:
        BadInput: naming the entry, and what to do.
    """
    if len(entries) > 2 * max_pictures + 1000:
        raise BadInput(
            f"This ZIP holds {len(entries):,} files; this site takes up to {max_pictures:,} pictures. "
            "Upload a part of them."
        )
    for entry in entries:
        for refuse in ENTRY_RULES:
            refuse(entry)
    _refuse_bomb(sum(entry.file_size for entry in entries), archive_bytes)
    _refuse_overlap(entries, archive_bytes)


def _encrypted(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & ENCRYPTED_FLAGS:
        raise BadInput("This ZIP is encrypted with a password. Make one without a password: only you will see it here.")


def _unsafe_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    if "\\" in name:
        _bad_name(name, "has a backslash in its name. Make the ZIP with a program that writes “/” between folders")
    if name.startswith("/") or (len(name) > 1 and name[1] == ":" and name[0].isalpha()):
        _bad_name(name, "has an absolute path. Pack the folder itself, so that names begin with the folder's name")
    if ".." in name.split("/"):
        _bad_name(name, "points outside of its folder (“..”). Pack the folder anew with an ordinary ZIP program")
    if "\0" in name:
        _bad_name(name, "has a zero byte in its name. Pack the folder anew with an ordinary ZIP program")
    if len(name) > 1000:
        _bad_name(name, "has a name of more than 1,000 characters. Give it a shorter one")


def _bad_name(name: str, fault: str) -> NoReturn:
    raise BadInput(f"The entry “{show(name)}” {fault}.")


def _special_file(entry: zipfile.ZipInfo) -> None:
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise BadInput(
            f"“{show(entry.filename)}” is a symbolic link. Pack the pictures themselves: zip follows links unless told "
            "to keep them (-y)."
        )
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadInput(f"“{show(entry.filename)}” is a device or a pipe, not a file. Remove it from the ZIP.")


def _method(entry: zipfile.ZipInfo) -> None:
    if entry.compress_type not in METHODS:
        how = zipfile.compressor_names.get(entry.compress_type, str(entry.compress_type))  # type: ignore[attr-defined]
        raise BadInput(
            f"“{show(entry.filename)}” is compressed by the method “{how}”. Make the ZIP with the usual one, deflate."
        )


def _entry_bomb(entry: zipfile.ZipInfo) -> None:
    if entry.file_size > max(RATIO_FREE_BYTES, MAX_ENTRY_RATIO * entry.compress_size):
        _refuse_bomb_with(entry.file_size, entry.compress_size, f"“{show(entry.filename)}”")


ENTRY_RULES: tuple[Callable[[zipfile.ZipInfo], None], ...] = (
    _encrypted,
    _unsafe_name,
    _special_file,
    _method,
    _entry_bomb,
)


def _refuse_bomb(unpacked_bytes: int, archive_bytes: int) -> None:
    if unpacked_bytes > MAX_UNPACKED_BYTES:
        raise BadInput(
            f"Unpacked, this ZIP would need {unpacked_bytes / 2**30:,.0f} GiB; the limit is "
            f"{MAX_UNPACKED_BYTES // 2**30} GiB. Save the pictures as JPEG or make them smaller."
        )
    if unpacked_bytes > max(RATIO_FREE_BYTES, MAX_RATIO * archive_bytes):
        _refuse_bomb_with(unpacked_bytes, archive_bytes, "This ZIP")


def _refuse_bomb_with(unpacked_bytes: int, packed_bytes: int, what: str) -> NoReturn:
    raise BadInput(
        f"{what} would grow {unpacked_bytes // max(packed_bytes, 1):,} times when unpacked, as archives do that are "
        "made to fill disks. Pack ordinary picture files."
    )


def _refuse_overlap(entries: Sequence[zipfile.ZipInfo], archive_bytes: int) -> None:
    """Refuse entries that share bytes: so a small archive pretends to be a huge one."""
    end, before = 0, ""
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end or entry.header_offset + entry.compress_size > archive_bytes:
            raise BadInput(
                f"The entries “{show(before, 40)}” and “{show(entry.filename, 40)}” of this ZIP use the same bytes, as "
                "in archives that are made to fill disks. Make the ZIP anew."
                if entry.header_offset < end
                else DAMAGED
            )
        end, before = entry.header_offset + LOCAL_HEADER_BYTES + entry.compress_size, entry.filename
