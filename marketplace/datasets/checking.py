"""An uploaded ZIP → a frozen, split dataset, or the sentence why not. Runs in a process of its own, without a database.

names alone ──► every picture decoded once ──► copies out, classes large enough ──► twins grouped ──► split
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from marketplace.datasets.archive import open_archive
from marketplace.datasets.findings import Findings, show, show_first
from marketplace.datasets.freezing import Frozen, freeze, manifest_of, statistics_of
from marketplace.datasets.layout import read_layout
from marketplace.datasets.pictures import decode, strict_pillow
from marketplace.datasets.scanning import Progress, Report, Scan, read_entry, scan
from marketplace.datasets.sheet import rows_for, write_sheet
from marketplace.errors import BadInput

MIN_PER_CLASS = 10
MAX_DAMAGED_SHARE = 0.05
MAX_DAMAGED_ANYWAY = 3
"""So many damaged files are left out even of a tiny dataset; above, more than 5 % mean a broken copy."""
FINDINGS_FILE = "findings.json"


def check_archive(archive: Path, out_dir: Path, report: Report, *, max_pictures: int) -> dict[str, Any]:
    """Check an archive; write its manifest and contact sheet; return what is to be stored of it.

    Findings are written to `out_dir/findings.json` also where the dataset is refused.

    Args:
        archive: the uploaded ZIP.
        out_dir: an existing folder.
        report: called about once per second with `done`, `total` and `phase`.
        max_pictures: more are refused.

    Raises:
        BadInput: with the sentence why the dataset is refused.
    """
    findings = Findings()
    progress = Progress(report)
    progress.tell("Reading the ZIP", 0, 1)
    try:
        with strict_pillow(), open_archive(archive, max_pictures=max_pictures) as opened:
            candidates = read_layout(opened.infolist(), findings)
            _refuse_too_many(len(candidates), max_pictures)
            scanned = scan(opened, candidates, findings, progress)
            _refuse_broken_copy(scanned, len(candidates))
            classes = sorted({one.class_name for one in candidates})
            _refuse_small_classes(scanned, classes)
            return _written(freeze(scanned, classes, progress), scanned, opened, out_dir)
    finally:
        (out_dir / FINDINGS_FILE).write_text(json.dumps(findings.as_list()))


def _refuse_too_many(pictures: int, limit: int) -> None:
    if pictures > limit:
        raise BadInput(f"This ZIP holds {pictures:,} pictures; this site takes up to {limit:,}. Upload a part of them.")


def _refuse_broken_copy(scanned: Scan, candidates: int) -> None:
    damaged = [one.name for one, kind in scanned.left_out if kind == "undecodable"]
    if len(damaged) > max(MAX_DAMAGED_ANYWAY, MAX_DAMAGED_SHARE * candidates):
        raise BadInput(
            f"{len(damaged):,} of {candidates:,} pictures are damaged, so the ZIP was probably made from a broken "
            f"copy: {show_first(damaged)}. Mend or remove them and upload the ZIP again."
        )


def _refuse_small_classes(scanned: Scan, classes: Sequence[str]) -> None:
    usable = Counter(found.candidate.class_name for found in scanned.pictures)
    small = [name for name in classes if usable[name] < MIN_PER_CLASS]
    if not small:
        return
    name = small[0]
    reasons = Counter(kind for one, kind in scanned.left_out if one.class_name == name)
    why = f" ({', '.join(f'{count:,} {REASONS[kind]}' for kind, count in reasons.items())})" if reasons else ""
    more = f" The same holds for {show_first(small[1:])}." if len(small) > 1 else ""
    raise BadInput(
        f"The class “{show(name)}” has {usable[name]:,} usable pictures{why}; at least {MIN_PER_CLASS} are needed. "
        f"Add pictures or remove the class.{more}"
    )


REASONS = {
    "undecodable": "damaged",
    "too-large": "over 25 megapixels",
    "too-small": "under 8 px",
    "duplicate": "copies",
    "contradictory": "also in another class",
    "not-picture": "no pictures",
}


def _written(frozen: Frozen, scanned: Scan, opened: zipfile.ZipFile, out_dir: Path) -> dict[str, Any]:
    def picture_at(position: int) -> Image.Image:
        return decode(read_entry(opened, frozen.pictures[position].candidate.entry)).image

    manifest = out_dir / "manifest.json"
    manifest.write_text(json.dumps(manifest_of(frozen, scanned), ensure_ascii=False, separators=(",", ":")), "utf-8")
    return {
        "classes": frozen.classes,
        "statistics": statistics_of(frozen, scanned),
        "findings": scanned.findings.as_list(),
        "content_sha256": frozen.content_sha256,
        "manifest": str(manifest),
        "sheet": str(write_sheet(rows_for(frozen.labels), picture_at, out_dir / "sheet.jpg")),
    }
