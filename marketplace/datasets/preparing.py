"""A ready dataset version → the arrays that training maps into memory.

{train,validation,test}_images.npy   uint8 (pictures, px, px, 3), RGB, resized as pictures.RESIZE_RULE says
{train,validation,test}_labels.npy   int64 (pictures,), positions in classes.json
classes.json                         names of the classes
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketplace.datasets.pictures import decode, resized, strict_pillow
from marketplace.datasets.scanning import THREADS, read_entry
from marketplace.datasets.splitting import SPLITS

BATCH = 32
ABANDONED_S = 6 * 3600


def prepare(archive: Path, manifest: Path, px: int, out_dir: Path) -> Path:
    """Return `out_dir` with the arrays of a version; where it is whole already, nothing is done.

    The folder appears under its name only once it is whole, so that this may be killed, repeated, or run twice at once.

    Args:
        archive: the ZIP that was accepted.
        manifest: what checking it wrote.
        px: side of the square pictures.
        out_dir: the folder to make; its parent is made where it is missing.
    """
    if (out_dir / "classes.json").exists():
        return out_dir
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(out_dir)
    passing = out_dir.with_name(f".{out_dir.name}.{secrets.token_hex(4)}")
    passing.mkdir()
    try:
        _fill(passing, archive, json.loads(manifest.read_text("utf-8")), px)
        _publish(passing, out_dir)
    finally:
        shutil.rmtree(passing, ignore_errors=True)
    return out_dir


def _fill(folder: Path, archive: Path, manifest: dict[str, Any], px: int) -> None:
    with strict_pillow(), zipfile.ZipFile(archive) as opened, ThreadPoolExecutor(THREADS) as threads:
        for split, name in enumerate(SPLITS):
            pictures = [one for one in manifest["pictures"] if one["split"] == split]
            labels = np.array([one["class"] for one in pictures], np.int64)
            np.save(folder / f"{name}_labels.npy", labels)
            images = np.lib.format.open_memmap(
                folder / f"{name}_images.npy", mode="w+", dtype=np.uint8, shape=(len(pictures), px, px, 3)
            )
            entries = [one["entry"] for one in pictures]
            for position, image in enumerate(_images(opened, entries, px, threads)):
                images[position] = image
            images.flush()
    (folder / "classes.json").write_text(json.dumps(manifest["classes"], ensure_ascii=False), "utf-8")


def _images(
    opened: zipfile.ZipFile, entries: Sequence[int], px: int, threads: ThreadPoolExecutor
) -> Iterator[NDArray[np.uint8]]:
    """Yield resized pictures in order, a few in memory at a time."""
    contents = (read_entry(opened, entry) for entry in entries)
    while batch := list(islice(contents, BATCH)):
        yield from threads.map(lambda content: np.asarray(resized(decode(content).image, px)), batch)


def _publish(passing: Path, out_dir: Path) -> None:
    try:
        passing.rename(out_dir)
    except OSError:
        if not (out_dir / "classes.json").exists():  # else another process was first, with the same arrays
            raise


def _remove_abandoned(out_dir: Path) -> None:
    """Remove what killed processes left; whatever is younger may be another process at work."""
    for folder in out_dir.parent.glob(f".{out_dir.name}.*"):
        if time.time() - os.stat(folder).st_mtime > ABANDONED_S:
            shutil.rmtree(folder, ignore_errors=True)
