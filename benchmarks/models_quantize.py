"""What int8 costs, by each way to it: float, plain, corrected and trained-for-int8 networks on both real data sets.

    .venv/bin/python benchmarks/models_quantize.py [NAME …] [--write]

Networks are trained by the project itself at 64 px: one of fused and one of depthwise blocks from scratch, and one that
began from the ImageNet MobileNetV2. Every way is judged on the test pictures; which one a release would take is chosen
on the validation pictures alone (“released”). `--write` adds the table to benchmarks/RESULTS.md.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image

from models.architecture import Architecture, Block
from models.families.mobilenet_v2 import FAMILY

SHARED = Path(os.environ.get("ATOLL_SHARED_DIR", Path(__file__).resolve().parents[2] / "shared"))
RESULTS = Path(__file__).with_name("RESULTS.md")
PX, SEED = 64, 1
BACKBONE = SHARED / "data/pretrained/tf2_mobilenet_v2_1.0_224_ptq.tflite"
SETS = {"signs": "sign_digits10.zip", "rice": "rice_leaf5.zip"}
HEAD = "| set | network | float | plain | corrected | trained for int8 | released | loss | CPU s: corrected, trained |"


@dataclass(frozen=True)
class Network:
    """One network to train."""

    title: str
    published: str
    """Its name among the published ones of MobileNet v2; empty for the fused one."""
    inherited: bool = False


NETWORKS = {
    "fused": Network("fused blocks, from scratch", ""),
    "depthwise": Network("MobileNetV2 ×0.35, from scratch", "mobilenet-v2-0.35"),
    "inherited": Network("MobileNetV2 ×1.0, begun from ImageNet", "mobilenet-v2-1", inherited=True),
}


def write_set(name: str, folder: Path) -> None:
    """Write the arrays of a set: squares averaged over areas, split 70/15/15 within each class."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    images, labels, classes = read_zip(SHARED / "data/datasets" / SETS[name])
    parts: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for label in range(len(classes)):
        members = random.permutation(np.flatnonzero(labels == label))
        first, second = round(len(members) * 0.7), round(len(members) * 0.85)
        for part, chosen in zip(parts, np.split(members, [first, second]), strict=True):
            parts[part] += chosen.tolist()
    for part, chosen in parts.items():
        np.save(folder / f"{part}_images.npy", images[chosen])
        np.save(folder / f"{part}_labels.npy", labels[chosen])
    (folder / "classes.json").write_text(json.dumps(classes))


def read_zip(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return pictures, labels and class names of a ZIP of class folders."""
    images, labels = [], []
    with zipfile.ZipFile(path) as archive:
        files = sorted(each for each in archive.namelist() if each.lower().endswith((".png", ".jpg", ".jpeg")))
        classes = sorted({Path(each).parent.name for each in files})
        for each in files:
            image = Image.open(io.BytesIO(archive.read(each))).convert("RGB").resize((PX, PX), Image.Resampling.BOX)
            images.append(np.asarray(image))
            labels.append(classes.index(Path(each).parent.name))
    return np.stack(images), np.array(labels), classes


def judge(set_name: str, network: Network, folder: Path) -> str:
    """Train a network, take every way to int8, and return a row of the table."""
    from models.correct import correct
    from models.qat import train_for_int8
    from search.answers import classify_float, classify_int8
    from search.augment import augment
    from search.dataset import load
    from search.quantizing import calibration_pictures, quantize_best
    from search.train import train

    dataset = load(folder.parent / set_name)
    parent = BACKBONE if network.inherited else None
    trained = train(architecture_of(network), dataset, folder, seed=SEED, parent=parent).checkpoint
    files = {"plain": trained, "corrected": folder / "corrected.keras", "trained": folder / "trained.keras"}
    images = dataset.train.images
    seconds = [
        processor_seconds(lambda: correct(trained, images, files["corrected"], seed=SEED)),
        processor_seconds(lambda: train_for_int8(trained, images, files["trained"], seed=SEED, vary=augment)),
    ]
    test = dataset.test
    answers = {"float": classify_float(trained, test.images)}
    for way, checkpoint in files.items():
        answers[way] = classify_int8(_converted(checkpoint, calibration_pictures(dataset, SEED)), test.images)
    best = quantize_best(trained, dataset, folder / "best", seed=SEED)
    answers["released"] = classify_int8(best.files.int8, test.images)
    right = {way: 100 * float(np.mean(values.argmax(axis=1) == test.labels)) for way, values in answers.items()}
    figures = " | ".join(f"{value:.2f}" for value in right.values())
    loss = right["float"] - right["released"]
    return (
        f"| {set_name} ({len(test)} test pictures) | {network.title} | {figures} ({best.chosen.way}) | {loss:+.2f} | "
        f"{seconds[0]:.0f}, {seconds[1]:.0f} |"
    )


def architecture_of(network: Network) -> Architecture:
    """Return what is trained: a published network, or a small one of fused blocks, at PX."""
    if network.published:
        return replace(FAMILY.published[network.published], image_px=PX)
    blocks, channels = [], 16
    for filters, stride, expansion in ((16, 1, 2), (24, 2, 4), (32, 2, 4), (64, 1, 4)):
        blocks.append(Block("fused", 3, stride, channels * expansion, filters))
        channels = filters
    return Architecture("efficientnet_edgetpu", PX, 16, tuple(blocks), 256)


def _converted(checkpoint: Path, calibration: np.ndarray) -> Path:
    from models.quantize import quantize_to

    quantize_to(checkpoint, calibration, checkpoint.with_suffix(".tflite"))
    return checkpoint.with_suffix(".tflite")


def processor_seconds(act: Callable[[], None]) -> float:
    """Return the processor time that an act takes."""
    before = time.process_time()
    act()
    return time.process_time() - before


def table(rows: Iterable[str]) -> str:
    """Return the table in Markdown."""
    return "\n".join([HEAD, "|" + " --- |" * (HEAD.count("|") - 1), *rows])


def main() -> None:
    """Judge the networks named, or all of them, on both sets."""
    from search.train import limit_threads

    limit_threads(1)
    names = [word for word in sys.argv[1:] if not word.startswith("-")] or list(NETWORKS)
    rows = []
    with tempfile.TemporaryDirectory(prefix="atoll-quantize-") as scratch:
        for set_name in SETS:
            write_set(set_name, Path(scratch) / set_name)
        for name in names:
            for set_name in SETS:
                rows.append(judge(set_name, NETWORKS[name], Path(scratch) / f"{set_name}-{name}"))
                print(rows[-1], flush=True)
    print(table(rows))
    if "--write" in sys.argv:
        heading = f"\n### Quantization, {date.today()} (`python benchmarks/models_quantize.py`, one thread)\n\n"
        with RESULTS.open("a") as file:
            file.write(heading + table(rows) + "\n")


if __name__ == "__main__":
    main()
