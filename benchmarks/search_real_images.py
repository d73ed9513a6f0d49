"""What a whole search reaches on real pictures, and how long it takes: two training processes of one thread each.

    .venv/bin/python benchmarks/search_real_images.py [digits] [signs] [rice] [--write]

Pictures are split 70/15/15 within each class, once, with a fixed seed. Trials are ranked on validation pictures; the
test pictures are looked at once, for the best network. `--write` adds the table to benchmarks/RESULTS.md.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image

from search.errors import TrialFailed
from search.feasible import check_spec
from search.propose import propose
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState

SHARED = Path(os.environ.get("ATOLL_SHARED_DIR", Path(__file__).resolve().parents[2] / "shared"))
RESULTS = Path(__file__).with_name("RESULTS.md")
PROCESSES = 2
Pictures = tuple[np.ndarray, np.ndarray, list[str]]


@dataclass(frozen=True)
class Task:
    """One set of pictures and what is asked of the search."""

    title: str
    pictures: Callable[[], Pictures]
    trials: int
    latency_limit_ms: float


def digits() -> Pictures:
    """scikit-learn's handwritten digits, 8×8, enlarged to 32 px."""
    from sklearn.datasets import load_digits

    found = load_digits()
    grey = [Image.fromarray((image * 255 / 16).astype(np.uint8)) for image in found.images]
    images = [np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC).convert("RGB")) for image in grey]
    return np.stack(images), found.target, [str(number) for number in range(10)]


def class_folders(name: str, image_px: int) -> Pictures:
    """Read a ZIP of class folders; pictures are made square by averaging over areas."""
    images, labels = [], []
    with zipfile.ZipFile(SHARED / "data" / "datasets" / name) as archive:
        files = sorted(each for each in archive.namelist() if each.lower().endswith((".png", ".jpg", ".jpeg")))
        classes = sorted({Path(each).parent.name for each in files})
        for each in files:
            image = Image.open(io.BytesIO(archive.read(each))).convert("RGB")
            images.append(np.asarray(image.resize((image_px, image_px), Image.Resampling.BOX)))
            labels.append(classes.index(Path(each).parent.name))
    return np.stack(images), np.array(labels), classes


TASKS = {
    "digits": Task("digits 32 px", digits, 4, 2.0),
    "signs": Task("sign_digits10 64 px", lambda: class_folders("sign_digits10.zip", 64), 8, 2.5),
    "rice": Task("rice_leaf5 96 px", lambda: class_folders("rice_leaf5.zip", 96), 8, 3.0),
}


def write_splits(pictures: Pictures, folder: Path) -> int:
    """Write the arrays that a search reads; return the number of training pictures."""
    images, labels, classes = pictures
    random = np.random.default_rng(0)
    parts: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for label in range(len(classes)):
        members = random.permutation(np.flatnonzero(labels == label))
        first, second = round(len(members) * 0.7), round(len(members) * 0.85)
        for name, chosen in zip(parts, np.split(members, [first, second]), strict=True):
            parts[name] += chosen.tolist()
    for name, chosen in parts.items():
        np.save(folder / f"{name}_images.npy", images[chosen])
        np.save(folder / f"{name}_labels.npy", labels[chosen])
    (folder / "classes.json").write_text(json.dumps(classes))
    return len(parts["train"])


def start_process() -> None:
    """Give a training process one thread."""
    from search.train import limit_threads

    limit_threads(1)


def train_one(spec: SearchSpec, record: TrialRecord, data: Path, out_dir: Path) -> dict[str, Any]:
    """Run one trial in a training process; return its outcome and its processor time."""
    from search.dataset import load
    from search.judge import judge_trial

    started = time.process_time()
    try:
        outcome = judge_trial(record.architecture, load(data), spec, out_dir).to_json()
    except TrialFailed as error:
        return {"failed": str(error)}
    return {**outcome, "cpu_seconds": time.process_time() - started}


def finish(checkpoint: Path, data: Path, out_dir: Path) -> dict[str, Any]:
    """Quantize and validate the best network in a training process."""
    from search.dataset import load
    from search.judge import validate_on_cpu
    from search.quantizing import quantize_best

    dataset = load(data)
    quantized = quantize_best(checkpoint, dataset, out_dir)
    return validate_on_cpu(quantized.checkpoint, quantized.files, dataset, trained=checkpoint)


def run_trials(spec: SearchSpec, data: Path, out_dir: Path, pool: ProcessPoolExecutor) -> list[dict[str, Any]]:
    """Keep every process busy until the trials are used up; return what each found."""
    history: list[TrialRecord] = []
    running: dict[Future[dict[str, Any]], int] = {}
    found: list[dict[str, Any]] = []
    while True:
        while len(running) < PROCESSES and len(history) < spec.trials:
            architecture = propose(spec, history)
            if architecture is None:
                break
            history.append(TrialRecord(len(history) + 1, architecture, TrialState.RUNNING))
            future = pool.submit(train_one, spec, history[-1], data, out_dir / f"trial{len(history)}")
            running[future] = len(history) - 1
        if not running:
            return found
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            position = running.pop(future)
            history[position] = record_of(history[position], future.result())
            found += [] if "failed" in future.result() else [future.result()]
            print("  ", describe(history[position], future.result()), flush=True)


def record_of(record: TrialRecord, outcome: dict[str, Any]) -> TrialRecord:
    """Return the trial with its outcome."""
    if "failed" in outcome:
        return replace(record, state=TrialState.FAILED, message=outcome["failed"])
    return replace(record, state=TrialState.DONE, validation_accuracy=outcome["validation_accuracy"])


def describe(record: TrialRecord, outcome: dict[str, Any]) -> str:
    """Return one line about a trial."""
    if "failed" in outcome:
        return f"trial {record.number}: {outcome['failed']}"
    metrics, blocks = outcome["metrics"], record.architecture.blocks
    return (
        f"trial {record.number}: validation {outcome['float_accuracy']:.3f} float, "
        f"{outcome['validation_accuracy']:.3f} int8; {outcome['latency_ms']:.2f} ms, "
        f"{record.architecture.image_px} px, {len(blocks)} blocks, {metrics['macs'] / 1e6:.1f} MMAC, "
        f"{metrics['parameters'] / 1e3:.0f} k parameters; {outcome['seconds']:.0f} s, "
        f"{outcome['cpu_seconds']:.0f} CPU s (foretold {metrics['training_seconds']:.0f})"
    )


def run_task(task: Task) -> str:
    """Search once; return a row of the table."""
    with tempfile.TemporaryDirectory(prefix="atoll-bench-") as folder:
        data, out_dir = Path(folder) / "data", Path(folder) / "out"
        data.mkdir()
        pictures = task.pictures()
        count, side = write_splits(pictures, data), pictures[0].shape[1]
        spec = SearchSpec(
            classes=len(pictures[2]),
            image_px=side,
            latency_limit_ms=task.latency_limit_ms,
            device="devboard",
            trials=task.trials,
            training_pictures=count,
        )
        started = time.monotonic()
        check_spec(spec)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=start_process) as pool:
            found = run_trials(spec, data, out_dir, pool)
            best = max(found, key=lambda e: (e["validation_accuracy"], e["float_accuracy"], -e["latency_ms"]))
            scores = pool.submit(finish, Path(best["artifacts"]["checkpoint.keras"]), data, out_dir).result()
        return row(task, spec, found, best, scores, time.monotonic() - started)


def row(
    task: Task,
    spec: SearchSpec,
    found: list[dict[str, Any]],
    best: dict[str, Any],
    scores: dict[str, Any],
    seconds: float,
) -> str:
    """Return the result as a row of the table."""
    held = all(
        each["latency_ms"] <= spec.latency_limit_ms and each["onchip_bytes"] <= spec.onchip_limit_bytes
        for each in found
    )
    int8 = scores["int8"]
    cpu = sum(each["cpu_seconds"] for each in found) / len(found)
    return (
        f"| {task.title} | {len(found)} of {spec.trials} | {seconds:.0f} | {cpu:.0f} | {scores['n']} "
        f"| {100 * scores['float']['accuracy']:.1f} | {100 * int8['accuracy']:.1f} "
        f"({100 * int8['low_95']:.1f}–{100 * int8['high_95']:.1f}) | {100 * int8['balanced_accuracy']:.1f} "
        f"| {best['latency_ms']:.2f} of {spec.latency_limit_ms:g} | {'yes' if held else 'NO'} |"
    )


HEAD = (
    "| pictures | trials | wall s | CPU s a trial | test pictures | float % | int8 % (95 % interval) | int8 balanced % "
    "| ms of limit | all within limits |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def main() -> None:
    """Run the named tasks, or those of issue 2."""
    names = [name for name in sys.argv[1:] if name in TASKS] or ["digits", "signs"]
    rows, load = [], os.getloadavg()[0]
    for name in names:
        print(TASKS[name].title, flush=True)
        rows.append(run_task(TASKS[name]))
    print(HEAD, *rows, sep="\n")
    if "--write" in sys.argv:
        command = f"`.venv/bin/python benchmarks/search_real_images.py {' '.join(names)}`"
        machine = f"{date.today()}, {os.cpu_count()} cores, load {load:.1f} at the start"
        with RESULTS.open("a") as file:
            file.write("\n".join(["", f"## search: real pictures ({machine})", "", command, "", HEAD, *rows, ""]))


if __name__ == "__main__":
    main()
