"""Unpack the ZIP of a stranger's model, once its list of entries is known to hold nothing dangerous. Pure."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from models.errors import ForeignRefused

MOST_ENTRIES = 2000
MOST_BYTES = 2 * 2**30
MOST_RATIO, RATIO_FREE_BYTES = 100, 2**20
"""Weights hardly shrink (about 1.1 times); what grows a hundredfold was made to fill memory. Small entries may."""
ENCRYPTED = 0x0001 | 0x0040 | 0x2000
BROKEN = (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError, RuntimeError, IndexError)
"""What Python's reader raises for archives that are cut short, damaged or hostile."""
DAMAGED = "The ZIP inside this file is damaged, perhaps because a copy stopped half-way. Save the model again."


def names_in(path: Path) -> list[str]:
    """Return the names of a ZIP's files.

    Raises:
        ForeignRefused: if the archive is damaged, or could harm whoever unpacks it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except BROKEN as error:
        raise ForeignRefused(DAMAGED) from error
    refuse_unsafe(entries)
    return [entry.filename for entry in entries if not entry.is_dir()]


def unpack(path: Path, folder: Path) -> None:
    """Unpack a ZIP whose entries were looked at; stop where an entry is longer than it says.

    Raises:
        ForeignRefused: if it is unsafe or damaged.
    """
    names_in(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    _unpack_entry(archive, entry, folder / entry.filename)
    except BROKEN as error:
        raise ForeignRefused(DAMAGED) from error


def _unpack_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("wb") as sink:  # zipfile reads no more than the stated length
        shutil.copyfileobj(source, sink, 2**20)


def refuse_unsafe(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse a list of entries that could harm.

    Raises:
        ForeignRefused: naming the entry.
    """
    if len(entries) > MOST_ENTRIES:
        raise ForeignRefused(f"This ZIP holds {len(entries):,} files; a model has at most {MOST_ENTRIES:,}.")
    for entry in entries:
        fault = _fault_of(entry)
        if fault:
            raise ForeignRefused(f"“{_shown(entry.filename)}” in this ZIP {fault}.")
    unpacked_bytes = sum(entry.file_size for entry in entries)
    if unpacked_bytes > MOST_BYTES:
        raise ForeignRefused(
            f"Unpacked, this file would need {unpacked_bytes / 2**30:,.1f} GiB; a model may have "
            f"{MOST_BYTES // 2**30} GiB. The Edge TPU holds some 8 MiB: upload a smaller network."
        )


def _fault_of(entry: zipfile.ZipInfo) -> str:
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    if entry.flag_bits & ENCRYPTED:
        return "is encrypted with a password. Make the ZIP without one: only you will see it here"
    if "\\" in name or "\0" in name or name.startswith("/") or ".." in PurePosixPath(name).parts or name[1:2] == ":":
        return "has a name that leads out of its folder. Pack the model's folder anew with an ordinary ZIP program"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device, not a file. Pack the files themselves"
    if entry.file_size > max(RATIO_FREE_BYTES, MOST_RATIO * entry.compress_size):
        times = entry.file_size // max(entry.compress_size, 1)
        return (
            f"would grow {times:,} times when unpacked, as files do that are made to fill memory. Save the model again"
        )
    return ""


def _shown(name: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in name[:80])
