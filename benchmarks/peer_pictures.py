"""The pictures that searches are compared on, split as the site does it: twins together, a split for each seed."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marketplace.datasets.splitting import TEST, TRAIN, VALIDATION, split_pictures
from search.dataset import Dataset
from workers.jobs.arrays import dataset_for
from workers.local_pictures import check_pictures

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ATOLL_SHARED_DIR", ROOT.parent / "shared"))
SETS = {"signs": ("sign_digits10.zip", 96), "rice": ("rice_leaf5.zip", 128)}
"""Archive and the side of its pictures in px, by name."""
FEW = {"signs": (250, 150), "rice": (300, 100)}
"""Training and validation pictures of a set that is cut so that most of its pictures test."""


def pictures_of(name: str, seed: int) -> Dataset:
    """Return a set with the split of a seed; 0 is the split that the site makes.

    Few test pictures say little, and twins make them fewer still: so every seed has its own test pictures.
    """
    archive, px = SETS[name]
    pictures = check_pictures(SHARED / "data" / "datasets" / archive, ROOT / "var/peers" / name, lambda report: None)
    job = pictures.job_values(px)
    if seed:
        job["manifest"] = str(_split_anew(Path(job["manifest"]), seed))
        job["arrays"] += f"-split{seed}"
    return dataset_for(job, lambda report: None)


def keep_line(file: Path, found: Mapping[str, Any]) -> None:
    """Append what was found to a file of lines of JSON, and show it."""
    line = json.dumps(found)
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as lines:
        lines.write(f"{line}\n")
    print(line, flush=True)


def few_pictures_of(name: str, seed: int) -> Dataset:
    """Return a set of few training and many test pictures, twins together: for choosing rules, not for figures."""
    archive, px = SETS[name]
    pictures = check_pictures(SHARED / "data" / "datasets" / archive, ROOT / "var/peers" / name, lambda report: None)
    job = pictures.job_values(px)
    job["manifest"] = str(_few_to_learn(Path(job["manifest"]), *FEW[name], seed))
    job["arrays"] += f"-few{seed}"
    return dataset_for(job, lambda report: None)


def _few_to_learn(manifest: Path, training: int, validation: int, seed: int) -> Path:
    content = json.loads(manifest.read_text())
    groups: dict[Any, list[dict[str, Any]]] = {}
    for picture in content["pictures"]:
        groups.setdefault(picture["group"], []).append(picture)
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    placed = 0
    for together in order:
        split = TRAIN if placed < training else VALIDATION if placed < training + validation else TEST
        for picture in together:
            picture["split"] = split
        placed += len(together)
    target = manifest.with_name(f"manifest-few{seed}.json")
    target.write_text(json.dumps(content))
    return target


def _split_anew(manifest: Path, seed: int) -> Path:
    content = json.loads(manifest.read_text())
    pictures = content["pictures"]
    splits, _ = split_pictures([each["class"] for each in pictures], [each["group"] for each in pictures], seed)
    for picture, split in zip(pictures, splits, strict=True):
        picture["split"] = split
    target = manifest.with_name(f"manifest-split{seed}.json")
    target.write_text(json.dumps(content))
    return target
