"""What a published MobileNetV2 learns of new pictures, how long that takes, and what frozen and cached parts save.

    .venv/bin/python benchmarks/models_transfer.py [signs] [rice] [rice-twins] [--seeds 0 1 2] [--px 128] [--cost]

Pictures are split 70/15/15 in every class by the site's own rule, with another seed each time; `rice-twins` keeps
near-identical pictures in one split, as the site does. The recipe was chosen on validation pictures; test pictures are
looked at once, for the int8 file that validation chose. One thread.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image

from marketplace.datasets.splitting import SPLITS, split_pictures
from marketplace.datasets.twins import groups_of
from models.families import FAMILIES

SHARED = Path(os.environ.get("ATOLL_SHARED_DIR", Path(__file__).resolve().parents[2] / "shared")) / "data"
BACKBONE = SHARED / "pretrained" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
TASKS = {
    "signs": ("sign_digits10", False, 128),
    "rice": ("rice_leaf5", False, 160),
    "rice-twins": ("rice_leaf5", True, 160),
}
"""ZIP, whether twins stay together, side of the pictures in px."""


def write_arrays(name: str, twins: bool, px: int, seed: int, folder: Path) -> None:
    """Write the arrays of one split of a ZIP of class folders."""
    images, thumbs, labels = [], [], []
    with zipfile.ZipFile(SHARED / "datasets" / f"{name}.zip") as archive:
        files = sorted(each for each in archive.namelist() if each.lower().endswith((".png", ".jpg", ".jpeg")))
        classes = sorted({Path(each).parent.name for each in files})
        for each in files:
            image = Image.open(BytesIO(archive.read(each))).convert("RGB")
            method = Image.Resampling.BOX if min(image.size) >= px else Image.Resampling.BICUBIC
            images.append(np.asarray(image.resize((px, px), method)))
            thumbs.append(np.asarray(image.resize((16, 16), Image.Resampling.BOX)))
            labels.append(classes.index(Path(each).parent.name))
    groups = groups_of(np.stack(thumbs)).tolist() if twins else list(range(len(labels)))
    splits = np.array(split_pictures(labels, groups, seed)[0])
    for number, split in enumerate(SPLITS):
        chosen = np.flatnonzero(splits == number)
        np.save(folder / f"{split}_images.npy", np.stack([images[one] for one in chosen]))
        np.save(folder / f"{split}_labels.npy", np.array(labels)[chosen])
    (folder / "classes.json").write_text(json.dumps(classes))


def learn(task: str, px: int, seed: int) -> dict[str, Any]:
    """Train, quantize and validate once; return what was reached."""
    from search.dataset import load
    from search.judge import validate_on_cpu
    from search.quantizing import quantize_best
    from search.train import train

    name, twins, _ = TASKS[task]
    with tempfile.TemporaryDirectory(prefix="atoll-bench-") as scratch:
        folder = Path(scratch)
        write_arrays(name, twins, px, seed, folder)
        dataset = load(folder)
        architecture = replace(FAMILIES["mobilenet_v2"].published["mobilenet-v2-1"], image_px=px)
        started, cpu = time.monotonic(), time.process_time()
        trained = train(architecture, dataset, folder / "out", seed=seed, parent=BACKBONE)
        trained_cpu = time.process_time() - cpu
        chosen = quantize_best(trained.checkpoint, dataset, folder / "out", seed=seed)
        spent = {"wall_s": round(time.monotonic() - started), "cpu_s": round(time.process_time() - cpu)}
        scores = validate_on_cpu(chosen.checkpoint, chosen.files, dataset, trained=trained.checkpoint)
        way = chosen.chosen.way
    return {
        "task": task,
        "px": px,
        "seed": seed,
        "macs": architecture.macs(len(dataset.classes)),
        "epochs": trained.epochs,
        "int8_way": way,
        "validation": trained.validation_accuracy,
        "test_pictures": scores["n"],
        **{f"{kind}_{score}": scores[kind][score] for kind in ("float", "int8") for score in SCORES},
        "training_cpu_s": round(trained_cpu),
        **spent,
    }


HEAD_PICTURES = 2048
SCORES = ("accuracy", "balanced_accuracy")


def table(rows: list[dict[str, Any]]) -> str:
    """Return the mean over the seeds of every task."""
    lines = [
        "| pictures | px | seeds | test pictures each | validation % | float % | float balanced % "
        "| int8 % | int8 balanced % | CPU s of training | CPU s with int8 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for task, px in dict.fromkeys((row["task"], row["px"]) for row in rows):
        same = [row for row in rows if (row["task"], row["px"]) == (task, px)]
        names = ("validation", *(f"{kind}_{score}" for kind in ("float", "int8") for score in SCORES))
        shares = [np.array([100 * row[name] for row in same]) for name in names]
        cells = [f"{values.mean():.1f} ± {values.std(ddof=len(same) > 1):.1f}" for values in shares]
        seconds = [f"{np.mean([row[name] for row in same]):.0f}" for name in ("training_cpu_s", "cpu_s")]
        lines.append(f"| {task} | {px} | {len(same)} | {same[0]['test_pictures']} | {' | '.join([*cells, *seconds])} |")
    return "\n".join(lines)


def cpu_of(work: Callable[[], Any], times: int) -> float:
    """Return the processor seconds of one call, without the first, which traces."""
    work()
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


def costs(px: int = 128, pictures: int = 256) -> str:
    """Return what feature extraction, heads and steps cost with and without caches and frozen stages."""
    import keras
    import tensorflow as tf

    from models.network import build_network
    from models.pretrained import load_parent
    from models.transfer import feature_extractor
    from search.head import Extractor, _regress
    from search.learner import Learner
    from search.takeover import rates_for
    from search.tuning import Tuning

    parent = load_parent(BACKBONE)
    architecture = replace(parent.architecture, image_px=px)
    network = build_network(architecture, 10, 0)
    for mine, theirs in zip(network.layers, parent.network.layers, strict=True):
        if mine.name != "logits":
            mine.set_weights(theirs.get_weights())
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (pictures, px, px, 3), dtype=np.uint8)
    labels = np.arange(pictures) % 10
    per = 1000 / pictures
    with tempfile.TemporaryDirectory() as scratch:
        extractor, numbers = Extractor(network), iter(range(100))
        extract = cpu_of(lambda: extractor.of(images, Path(scratch) / f"{next(numbers)}.npy"), 3)
        features = np.asarray(extractor.of(images, Path(scratch) / "0.npy"))
    bare = feature_extractor(network)
    floats = (images.astype(np.float32) - 127) / 128
    predict = cpu_of(lambda: bare.predict(floats, batch_size=32, verbose=0), 3)
    many = np.repeat(features, HEAD_PICTURES // pictures, axis=0)
    many += random.normal(0, 0.1, many.shape).astype(np.float32)
    standard, classes = (many - many.mean(0)) / many.std(0), np.arange(len(many)) % 10
    started = time.process_time()
    fitted = _regress(standard, classes, 0.3)
    head = (time.process_time() - started) / max(1, int(fitted.n_iter_[0])) * pictures / len(many)
    rows = [
        ("feature extraction to disk", extract * per),
        ("bare `predict` loop", predict * per),
        ("one pass of head fitting over cached features", head * per),
        ("one pass of head training without a cache (features computed, head fitted)", (extract + head) * per),
    ]
    names = {layer.name for layer in architecture.layers(10) if layer.weights}
    tunings = {
        "step, all layers, normalization learning (as from scratch)": None,
        "step, all layers, normalization kept": Tuning(dict.fromkeys(sorted(names), 1.0)),
        "step, early stages frozen, normalization kept (the recipe)": Tuning(rates_for(architecture, parent, 10)),
    }
    for title, tuning in tunings.items():
        learner = Learner(keras.models.clone_model(network), [1.0] * 10, 32, tuning)
        batch = images[:32], labels[:32].astype(np.int64)
        seconds = cpu_of(lambda learner=learner, batch=batch: learner.learn(*batch, 1e-5, (0, 1))[0].numpy(), 6)  # type: ignore[misc]
        rows.append((title, seconds * 1000 / 32))
        del learner
        tf.keras.backend.clear_session()
    return "\n".join(
        ["| what | CPU ms a picture |", "| --- | ---: |", *(f"| {name} | {ms:.3f} |" for name, ms in rows)]
    )


def main() -> None:
    """Run what is asked for and print the tables."""
    from search.train import limit_threads

    limit_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--px", type=int)
    parser.add_argument("--cost", action="store_true")
    asked = parser.parse_args()
    if asked.cost:
        print(costs())
    rows = []
    for seed in asked.seeds:
        for task in asked.tasks:
            rows.append(learn(task, asked.px or TASKS[task][2], seed))
            print(json.dumps(rows[-1]), flush=True)
    if rows:
        print(table(rows))


if __name__ == "__main__":
    main()
