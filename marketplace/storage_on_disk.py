"""Files in a folder of this machine, each of which appears under its name only once it is whole."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

CHUNK_BYTES = 2**20
ABANDONED_S = 24 * 3600


class DiskStorage(FileSystemStorage):
    """Django's files on disk, written under a passing name, flushed to the disk and then renamed."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name itself: it is the hash of the bytes, so who writes it again writes the same."""
        return name

    def _save(self, name: str, content: File[Any]) -> str:
        target, passing = Path(self.path(name)), self._passing_folder() / secrets.token_hex(8)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with passing.open("xb") as sink:
                for chunk in content.chunks(CHUNK_BYTES):
                    sink.write(chunk)
                os.fchmod(sink.fileno(), self.file_permissions_mode or 0o600)
                sink.flush()
                os.fsync(sink.fileno())
            passing.replace(target)
        finally:
            passing.unlink(missing_ok=True)
        return name

    def _passing_folder(self) -> Path:
        """Return where files are while they are written, without those of processes that were killed."""
        folder = Path(self.location, ".passing")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > ABANDONED_S:
                    path.unlink()
        return folder
