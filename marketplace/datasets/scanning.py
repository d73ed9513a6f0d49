"""Every picture of an archive read once; what is usable is remembered by hashes and a thumbnail, not by its pixels."""

from __future__ import annotations

import time
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from marketplace.datasets.archive import BAD_ZIP
from marketplace.datasets.findings import Findings
from marketplace.datasets.layout import Candidate
from marketplace.datasets.pictures import ENDINGS, MAX_FILE_BYTES, Examined, Unusable, examine

THREADS = 2
BATCH_FILES = 32
BATCH_BYTES = 64 * 2**20
REPORT_EVERY_S = 1.0

Report = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Progress:
    """Tells how far it is, about once per second."""

    report: Report
    phase: str = ""
    last: float = 0.0

    def tell(self, phase: str, done: int, total: int) -> None:
        """Report a new phase at once, and on from there once per second."""
        now = time.monotonic()
        if phase != self.phase or now - self.last >= REPORT_EVERY_S:
            self.phase, self.last = phase, now
            self.report({"done": done, "total": total, "phase": phase})


@dataclass(frozen=True, slots=True)
class Found:
    """A usable picture."""

    candidate: Candidate
    examined: Examined


@dataclass(slots=True)
class Scan:
    """What came out of an archive."""

    findings: Findings
    pictures: list[Found] = field(default_factory=list)
    left_out: list[tuple[Candidate, str]] = field(default_factory=list)
    """Files that are not used, with the kind of finding."""

    def drop(self, candidate: Candidate, kind: str, detail: str = "") -> None:
        """Leave a file out."""
        self.findings.note(kind, candidate.name, detail)
        self.left_out.append((candidate, kind))


def read_entry(archive: zipfile.ZipFile, entry: int) -> bytes:
    """Return a file's bytes, never more than MAX_FILE_BYTES.

    Raises:
        Unusable: if it is larger, or its bytes are damaged.
    """
    listed = archive.infolist()[entry]
    if listed.file_size > MAX_FILE_BYTES:
        raise Unusable("too-large", f"a file of {listed.file_size / 2**20:,.0f} MiB")
    try:
        with archive.open(listed) as source:
            return source.read(MAX_FILE_BYTES)
    except (*BAD_ZIP, zlib.error) as error:
        raise Unusable("undecodable", "its bytes in the ZIP are damaged") from error


def scan(archive: zipfile.ZipFile, candidates: Sequence[Candidate], findings: Findings, progress: Progress) -> Scan:
    """Examine every candidate and sort out copies."""
    result = Scan(findings)
    done = 0
    with ThreadPoolExecutor(THREADS) as threads:
        for batch in _batches(archive, candidates):
            progress.tell("Decoding pictures", done, len(candidates))
            readable = [(one, content) for one, content in _contents(archive, batch, result)]
            outcomes = threads.map(_examined, [content for _, content in readable])
            for (candidate, content), outcome in zip(readable, outcomes, strict=True):
                _take(result, candidate, outcome, len(content))
            done += len(batch)
    progress.tell("Decoding pictures", done, len(candidates))
    _drop_copies(result)
    return result


def _batches(archive: zipfile.ZipFile, candidates: Sequence[Candidate]) -> Iterator[list[Candidate]]:
    """Yield a few files at a time, so that their bytes together stay small."""
    entries = archive.infolist()
    batch: list[Candidate] = []
    byte_count = 0
    for candidate in candidates:
        batch.append(candidate)
        byte_count += entries[candidate.entry].file_size
        if len(batch) == BATCH_FILES or byte_count > BATCH_BYTES:
            yield batch
            batch, byte_count = [], 0
    if batch:
        yield batch


def _contents(archive: zipfile.ZipFile, batch: Iterable[Candidate], result: Scan) -> Iterator[tuple[Candidate, bytes]]:
    for candidate in batch:
        try:
            yield candidate, read_entry(archive, candidate.entry)
        except Unusable as reason:
            result.drop(candidate, reason.kind, reason.detail)


def _examined(content: bytes) -> Examined | Unusable:
    try:
        return examine(content)
    except Unusable as reason:
        return reason


def _take(result: Scan, candidate: Candidate, outcome: Examined | Unusable, byte_count: int) -> None:
    if isinstance(outcome, Unusable):
        nameless = not _ending(candidate.name) and outcome.kind == "undecodable"
        result.drop(candidate, "not-picture" if nameless else outcome.kind, "" if nameless else outcome.detail)
        return
    for change in outcome.changes:
        result.findings.note(change, candidate.name)
    ending = _ending(candidate.name)
    if ending and ending not in ENDINGS[outcome.format]:
        result.findings.note("other-extension", candidate.name, f"its content is {outcome.format}")
    result.pictures.append(Found(candidate, outcome))


def _ending(name: str) -> str:
    last = name.rsplit("/", 1)[-1]
    return f".{last.rsplit('.', 1)[1].lower()}" if "." in last else ""


def _drop_copies(result: Scan) -> None:
    """Keep one of the same pictures of a class; of the same picture in two classes keep none."""
    alike: dict[str, list[Found]] = defaultdict(list)
    for found in result.pictures:
        alike[found.examined.pixels_sha256].append(found)
    kept = []
    for copies in alike.values():
        copies.sort(key=lambda one: (one.examined.sha256, one.candidate.name))
        first = copies[0]
        other = next((one for one in copies if one.candidate.class_name != first.candidate.class_name), None)
        if other is None:
            kept.append(first)
            for copy in copies[1:]:
                result.drop(copy.candidate, "duplicate", f"the same as {first.candidate.name[-60:]}")
        else:
            for copy in copies:
                twin = first if copy is not first else other
                result.drop(copy.candidate, "contradictory", f"the same as {twin.candidate.name[-60:]}")
    result.pictures = kept
