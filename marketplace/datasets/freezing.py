"""Usable pictures → an immutable version: grouped, split, hashed, described."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from marketplace.datasets.pictures import RESIZE_RULE
from marketplace.datasets.scanning import Found, Progress, Scan
from marketplace.datasets.splitting import SPLITS, split_pictures
from marketplace.datasets.twins import groups_of, thumbs_of

MANIFEST_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Frozen:
    """A dataset version; one position is one picture in `pictures`, `labels`, `groups` and `splits`."""

    classes: list[str]
    pictures: list[Found]
    labels: list[int]
    groups: list[int]
    """Position of the first picture of each picture's group of twins."""
    splits: list[int]

    @property
    def content_sha256(self) -> str:
        """SHA-256 over every picture's class, hash and split: equal for equal content, however it was packed."""
        lines = sorted(
            f"{self.classes[label]}\0{found.examined.sha256}\0{SPLITS[split]}\n"
            for found, label, split in zip(self.pictures, self.labels, self.splits, strict=True)
        )
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def freeze(scanned: Scan, classes: list[str], progress: Progress) -> Frozen:
    """Return the version; what the split had to give up is noted in the findings."""
    # By content, not by file name: a renamed picture gives the same split.
    pictures = sorted(scanned.pictures, key=lambda one: (one.candidate.class_name, one.examined.sha256))
    position = {name: label for label, name in enumerate(classes)}
    labels = [position[one.candidate.class_name] for one in pictures]
    groups = groups_of(
        thumbs_of(b"".join(one.examined.thumb for one in pictures)),
        lambda done, total: progress.tell("Looking for near-identical pictures", done, total),
    ).tolist()
    splits, cut = split_pictures(labels, groups, _seed(pictures))
    for label in cut:
        scanned.findings.note("cut-burst", classes[label])
    frozen = Frozen(classes, pictures, labels, groups, splits)
    _note_lookalikes(frozen, scanned)
    return frozen


def manifest_of(frozen: Frozen, scanned: Scan) -> dict[str, Any]:
    """Return every picture with its class and split, and every file that was left out, as plain values."""
    return {
        "format": MANIFEST_FORMAT,
        "classes": frozen.classes,
        "content_sha256": frozen.content_sha256,
        "splits": list(SPLITS),
        "pictures": [
            {
                "entry": found.candidate.entry,
                "name": found.candidate.name,
                "class": label,
                "split": split,
                "group": group,
                "sha256": found.examined.sha256,
            }
            for found, label, split, group in zip(
                frozen.pictures, frozen.labels, frozen.splits, frozen.groups, strict=True
            )
        ],
        "left_out": [{"name": candidate.name, "kind": kind} for candidate, kind in scanned.left_out],
    }


def statistics_of(frozen: Frozen, scanned: Scan) -> dict[str, Any]:
    """Return the version in figures."""
    examined = [found.examined for found in frozen.pictures]
    group_sizes = [count for count in Counter(frozen.groups).values() if count > 1]
    return {
        "pictures": len(frozen.pictures),
        "file_bytes": sum(one.byte_count for one in examined),
        "splits": {name: frozen.splits.count(split) for split, name in enumerate(SPLITS)},
        "per_class": _per_class(frozen),
        "width_px": _range([one.width for one in examined]),
        "height_px": _range([one.height for one in examined]),
        "formats": dict(Counter(one.format for one in examined).most_common()),
        "twin_groups": len(group_sizes),
        "twin_pictures": sum(group_sizes),
        "largest_twin_group": max(group_sizes, default=0),
        "left_out": len(scanned.left_out),
        "duplicates": scanned.findings.counts.get("duplicate", 0),
        "contradictory": scanned.findings.counts.get("contradictory", 0),
        "resize_rule": RESIZE_RULE,
    }


def _per_class(frozen: Frozen) -> list[dict[str, Any]]:
    counts = Counter(zip(frozen.labels, frozen.splits, strict=True))
    return [
        {"name": name, **{split_name: counts[label, split] for split, split_name in enumerate(SPLITS)}}
        for label, name in enumerate(frozen.classes)
    ]


def _range(values: Sequence[int]) -> dict[str, int]:
    return {"min": min(values), "median": int(median(values)), "max": max(values)}


def _seed(pictures: Sequence[Found]) -> int:
    digest = hashlib.sha256()
    for found in pictures:
        digest.update(f"{found.candidate.class_name}\0{found.examined.sha256}\n".encode())
    return int.from_bytes(digest.digest()[:8])


def _note_lookalikes(frozen: Frozen, scanned: Scan) -> None:
    """Note groups of twins whose pictures bear different labels."""
    members: dict[int, list[int]] = defaultdict(list)
    for picture, group in enumerate(frozen.groups):
        members[group].append(picture)
    for together in members.values():
        first = together[0]
        other = next((one for one in together if frozen.labels[one] != frozen.labels[first]), None)
        if other is not None:
            name = frozen.pictures[other].candidate.name
            scanned.findings.note("lookalike", frozen.pictures[first].candidate.name, f"much like {name[-60:]}")
