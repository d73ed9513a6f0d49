"""How far from float each way to int8 leaves a network that was cut out of a published one.

    .venv/bin/python benchmarks/models_int8_ways.py SET SEED [RATE …]

SET is rice, signs or quarters; quarters are cut to few training pictures, so that there are many test pictures. One
block a stage of MobileNet v2 at 64 px learns as a trial does; every way to int8 is compared with it on validation and
test pictures. Each RATE adds a training for int8 from the corrected network at that learning rate. A line of JSON a way
goes to var/models_int8_ways.jsonl.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from numpy.typing import NDArray

import models.qat
from benchmarks.peer_pictures import QUARTERS, ROOT, SHARED, few_pictures_of, keep_line, pictures_of
from benchmarks.search_parents import mobilenet
from models.backbones import BACKBONES, FOLDER_VARIABLE, fetch_backbone
from models.correct import correct
from models.quantize import quantize_to
from search.answers import classify_float, classify_int8, probabilities_of
from search.augment import augment
from search.dataset import Dataset
from search.quantizing import calibration_pictures
from search.scores import agreement
from search.train import limit_threads, train

LINES = ROOT / "var" / "models_int8_ways.jsonl"
PX = 64


def run(name: str, seed: int, rates: list[float]) -> None:
    """Train the network, then take every way to int8."""
    data = few_pictures_of(name, seed) if name == QUARTERS else pictures_of(name, seed)
    network, pictures = mobilenet(PX, depth=1), data.at(PX)
    with tempfile.TemporaryDirectory(prefix="atoll-ways-") as folder:
        out = Path(folder)
        start = fetch_backbone(next(iter(BACKBONES)))
        trained = train(network, data, out / "trained", seed=seed, parent=start).checkpoint
        compared = partial(compare, {"set": name, "seed": seed}, trained, pictures, seed)
        compared("plain", trained, 0.0)
        corrected, before = out / "corrected.keras", time.process_time()
        correct(trained, pictures.train.images, corrected, seed=seed)
        compared("corrected", corrected, time.process_time() - before)
        for rate in (models.qat.PEAK_RATE, *rates):
            begun, before = trained if rate == models.qat.PEAK_RATE else corrected, time.process_time()
            models.qat.PEAK_RATE = rate
            target = out / "for-int8.keras"
            models.qat.train_for_int8(begun, pictures.train.images, target, seed=seed, vary=augment)
            way = f"trained for int8 at {rate:g} from {begun.stem}"
            compared(way, target, time.process_time() - before)


def compare(
    of: dict[str, object], trained: Path, pictures: Dataset, seed: int, way: str, checkpoint: Path, cpu_s: float
) -> None:
    """Convert a checkpoint and keep how its int8 file answers, beside the network as it was trained."""
    model = checkpoint.with_suffix(".tflite")
    quantize_to(checkpoint, calibration_pictures(pictures, seed), model)
    found = {**of, "way": way, "cpu_s": cpu_s}
    for part in ("validation", "test"):
        split = getattr(pictures, part)
        wanted: NDArray[np.float32] = classify_float(trained, split.images)
        answers = probabilities_of(classify_int8(model, split.images))
        found[part] = {
            "n": len(split),
            "float": agreement(wanted.argmax(axis=1), split.labels),
            "right": agreement(answers.argmax(axis=1), split.labels),
            "same": agreement(answers.argmax(axis=1), wanted.argmax(axis=1)),
            "distance": float(np.mean(np.abs(answers - wanted))),
        }
    keep_line(LINES, found)


if __name__ == "__main__":
    limit_threads(1)
    os.environ.setdefault(FOLDER_VARIABLE, str(SHARED / "data" / "pretrained"))
    run(sys.argv[1], int(sys.argv[2]), [float(rate) for rate in sys.argv[3:]])
