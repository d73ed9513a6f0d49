"""What a network gains by beginning with a finished trial of its search, not with published weights or nothing.

    .venv/bin/python benchmarks/search_parents.py SET SEED [published|scratch]

SET is rice or signs, cut to few training pictures so that there are many test pictures (the standard error is 1.4 and
0.4 points): only for choosing a rule. One line of JSON a training goes to var/search_parents.jsonl. The parent is
trained first; each child then learns from what it is compared with, for as many epochs, and for half as many.

published   the whole MobileNet v2 at 96 px learns the pictures; children are cut out of it, or of the published weights
scratch     an EfficientNet-EdgeTPU learns from nothing at 48 px; children are cut out of it, or begin with nothing, too
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.peer_pictures import ROOT, SHARED, few_pictures_of, keep_line
from models.architecture import Architecture
from models.backbones import BACKBONES, FOLDER_VARIABLE, fetch_backbone
from models.families import FAMILIES
from search.answers import classify_float
from search.dataset import Dataset
from search.train import limit_threads, schedule_of, train

LINES = ROOT / "var" / "search_parents.jsonl"
SHALLOW, NARROW, SMALL = "shallow", "half the width", "64 px"


def mobilenet(px: int, width: float = 1.0, depth: int = 9) -> Architecture:
    """Return MobileNet v2 at a resolution, a width for all stages, and a largest depth of each."""
    family = FAMILIES["mobilenet_v2"]
    choices = family.choices(px)
    chosen: dict[str, Any] = {name: values[-1] for name, values in choices.items()} | {"resolution": px}
    chosen |= {name: width for name in choices if name.endswith("_width")}
    chosen |= {name: min(depth, int(chosen[name])) for name in choices if name.endswith("_depth")}
    return family.build(chosen)


def efficientnet(px: int, width: float, shape: int, depth: int = 9) -> Architecture:
    """Return EfficientNet-EdgeTPU in one of its proven shapes."""
    family = FAMILIES["efficientnet_edgetpu"]
    choices = family.choices(px)
    chosen: dict[str, Any] = {name: values[-1] for name, values in choices.items()} | dict(family.shapes[shape])
    chosen |= {"resolution": px, "width": width, "head": 512}
    chosen |= {name: min(depth, int(chosen[name])) for name in choices if name.endswith("_depth")}
    chosen = {name: value if value in choices[name] else choices[name][-1] for name, value in chosen.items()}
    return family.build(chosen)


def test_accuracy(checkpoint: Path, data: Dataset, px: int) -> float:
    """Return the share of test pictures that the float network gets right."""
    test = data.at(px).test
    return float(np.mean(classify_float(checkpoint, test.images).argmax(axis=1) == test.labels))


def run(name: str, seed: int, kind: str) -> None:
    """Train the parent, then every child from both starts."""
    data = few_pictures_of(name, seed)
    if kind == "published":
        start = fetch_backbone(next(iter(BACKBONES)))
        first = mobilenet(96)
        children = {SHALLOW: mobilenet(96, depth=1), NARROW: mobilenet(96, width=0.5), SMALL: mobilenet(64)}
    else:
        start, first = None, efficientnet(48, 1.0, 1)
        children = {SHALLOW: efficientnet(48, 1.0, 1, depth=1), NARROW: efficientnet(48, 0.5, 1)}
    with tempfile.TemporaryDirectory(prefix="atoll-parents-") as folder:
        out = Path(folder)

        def learn(
            label: str, network: Architecture, source: str, parent: Path | None, epochs: int | None = None
        ) -> Path:
            before = time.process_time()
            where = out / f"{label}-{source}".replace(" ", "-")
            trained = train(network, data, where, seed=seed, epochs=epochs, parent=parent)
            (where / "architecture.json").write_text(json.dumps(network.to_json()))
            found: Mapping[str, Any] = {
                "set": name, "seed": seed, "kind": kind, "network": label, "from": source, "epochs": trained.epochs,
                "test": test_accuracy(trained.checkpoint, data, network.image_px),
                "validation": trained.validation_accuracy, "cpu_s": time.process_time() - before,
                "macs": network.macs(len(data.classes)),
            }  # fmt: skip
            keep_line(LINES, found)
            return trained.checkpoint

        finished = learn("first", first, "start", start)
        for label, network in children.items():
            learn(label, network, "start", start)
            learn(label, network, "trial", finished)
            whole = schedule_of(network, len(data.train), finished).epochs
            learn(label, network, "trial, half the epochs", finished, whole // 2)


if __name__ == "__main__":
    limit_threads(1)
    os.environ.setdefault(FOLDER_VARIABLE, str(SHARED / "data" / "pretrained"))
    run(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "published")
