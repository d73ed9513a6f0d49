"""What networks cut out of a published one gain by a teacher, and by a longer training.

    .venv/bin/python benchmarks/search_teachers.py SET SEED

SET is rice, signs or quarters, cut to few training pictures so that there are many test pictures, as
benchmarks/search_parents.py has them: only for choosing a rule. The teacher is the whole MobileNet v2 at 96 px, trained
as a trial is; each network learns with and without it, as long as a trial and three times as long. A line of JSON a
training goes to var/search_teachers.jsonl.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.peer_pictures import ROOT, SHARED, few_pictures_of, keep_line
from benchmarks.search_parents import NARROW, SHALLOW, mobilenet, test_accuracy
from models.architecture import Architecture
from models.backbones import BACKBONES, FOLDER_VARIABLE, fetch_backbone
from search.schedule import LONGER
from search.train import limit_threads, schedule_of, train

LINES = ROOT / "var" / "search_teachers.jsonl"
PX = 96
NETWORKS = {SHALLOW: mobilenet(PX, depth=1), NARROW: mobilenet(PX, width=0.5)}


def run(name: str, seed: int) -> None:
    """Train the teacher, then every network in four ways."""
    data, start = few_pictures_of(name, seed), fetch_backbone(next(iter(BACKBONES)))
    with tempfile.TemporaryDirectory(prefix="atoll-teachers-") as folder:

        def learn(label: str, network: Architecture, epochs: int | None, teacher: Path | None) -> Path:
            before = time.process_time()
            where = Path(folder) / f"{label}-{epochs}-{teacher is not None}".replace(" ", "-")
            trained = train(network, data, where, seed=seed, epochs=epochs, parent=start, teacher=teacher)
            found = {
                "set": name, "seed": seed, "network": label, "taught": teacher is not None, "epochs": trained.epochs,
                "test": test_accuracy(trained.checkpoint, data, network.image_px),
                "validation": trained.validation_accuracy, "cpu_s": time.process_time() - before,
                "macs": network.macs(len(data.classes)),
            }  # fmt: skip
            keep_line(LINES, found)
            return trained.checkpoint

        teacher = learn("teacher", mobilenet(PX), None, None)
        for label, network in NETWORKS.items():
            usual = schedule_of(network, len(data.train), start).epochs
            for epochs in (usual, LONGER * usual):
                for other in (None, teacher):
                    learn(label, network, epochs, other)


if __name__ == "__main__":
    limit_threads(1)
    os.environ.setdefault(FOLDER_VARIABLE, str(SHARED / "data" / "pretrained"))
    run(sys.argv[1], int(sys.argv[2]))
