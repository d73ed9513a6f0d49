"""Pictures of a folder or a ZIP on this machine, checked and split as the site does it."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketplace.datasets.checking import check_archive
from marketplace.errors import BadInput
from workers.written import write_whole

MAX_PICTURES = 200_000
FACTS_FILE, ARCHIVE_FILE, MANIFEST_FILE = "facts.json", "pictures.zip", "manifest.json"


@dataclass(frozen=True, slots=True)
class Pictures:
    """A dataset that was checked; its folder holds the archive and what checking wrote."""

    folder: Path
    archive: Path
    classes: tuple[str, ...]
    splits: Mapping[str, int]
    """How many pictures train, validate and test."""
    typical_px: int
    """The shorter side of the middle one of all pictures."""
    content_sha256: str

    @property
    def training_pictures(self) -> int:
        """How many pictures networks learn from."""
        return self.splits["train"]

    @property
    def sentence(self) -> str:
        """How many pictures there are and what each is for."""
        train, validation, test = (self.splits[name] for name in ("train", "validation", "test"))
        return (
            f"{train + validation + test:,} pictures of {len(self.classes)} classes: {train:,} to learn from, "
            f"{validation:,} to choose by, {test:,} to judge by at the end."
        )

    def job_values(self, image_px: int) -> dict[str, Any]:
        """Return what a job needs to read the pictures at a resolution."""
        return {
            "arrays": str(self.folder / f"{image_px}px"),
            "archive": str(self.archive),
            "manifest": str(self.folder / MANIFEST_FILE),
            "px": image_px,
        }


def check_pictures(source: Path, folder: Path, report: Callable[[dict[str, Any]], None]) -> Pictures:
    """Check a ZIP of class folders, or a folder of them; a second call takes what the first found.

    Args:
        source: the ZIP or the folder.
        folder: where the findings go.
        report: called about once per second with `done`, `total` and `phase`.

    Raises:
        BadInput: with the sentence why the pictures cannot be used.
    """
    if not source.exists():
        raise BadInput(f"There is no {source}. Name a ZIP of class folders, or a folder of them.")
    folder.mkdir(parents=True, exist_ok=True)
    archive = source if source.is_file() else _packed(source, folder / ARCHIVE_FILE)
    mark = f"{archive.resolve()} {archive.stat().st_size} {archive.stat().st_mtime_ns}"
    facts = folder / FACTS_FILE
    if not (facts.exists() and json.loads(facts.read_text())["mark"] == mark):
        for stale in folder.glob("*px"):
            shutil.rmtree(stale, ignore_errors=True)
        found = check_archive(archive, folder, report, max_pictures=MAX_PICTURES)
        write_whole(facts, json.dumps({"mark": mark, **found}))
    return _read(folder, archive)


def _packed(source: Path, archive: Path) -> Path:
    """Return a ZIP of a folder's files, made anew where a name, a length or a date in the folder has changed."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    listing = "".join(f"{p.relative_to(source)} {p.stat().st_size} {p.stat().st_mtime_ns}\n" for p in files)
    mark = archive.with_suffix(".sha256")
    digest = hashlib.sha256(listing.encode()).hexdigest()
    if archive.exists() and mark.exists() and mark.read_text() == digest:
        return archive
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as packed:
        for path in files:
            packed.write(path, str(path.relative_to(source)))
    write_whole(mark, digest)
    return archive


def _read(folder: Path, archive: Path) -> Pictures:
    facts = json.loads((folder / FACTS_FILE).read_text())
    statistics = facts["statistics"]
    return Pictures(
        folder,
        archive,
        tuple(facts["classes"]),
        dict(statistics["splits"]),
        min(int(statistics["width_px"]["median"]), int(statistics["height_px"]["median"])),
        str(facts["content_sha256"]),
    )
