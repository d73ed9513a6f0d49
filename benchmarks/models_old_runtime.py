"""Whether the runtime of the Edge TPU compiler's time takes every file that we export, and answers like today's.

    .venv/bin/python benchmarks/models_old_runtime.py [NAME=CHECKPOINT.keras …] [--write]

The compiler of 2021 cannot be run here; TensorFlow 2.6.5 under Python 3.9 stands in for its loader and its kernels. It
is installed into var/old-runtime (or ATOLL_OLD_RUNTIME) where it is missing, with a Python 3.9 named by ATOLL_PYTHON39
or found on the PATH. Networks that were trained on sign_digits10 are named on the command line; without a name two are
trained for a few epochs. Every kind of file is made of each, and both runtimes answer to the test pictures.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.models_quantize import NETWORKS, RESULTS, architecture_of, write_set
from edgetpu.runtime import run_on_cpu
from edgetpu.tflite import read_graph
from models.correct import correct
from models.description import image_px_in
from models.extractor import export_embedding_extractor
from models.qat import train_for_int8
from models.quantize import quantize_to
from search.augment import augment
from search.dataset import Dataset, load
from search.quantizing import calibration_pictures, convert
from search.train import train
from tests.models.old_runtime import REQUIREMENTS, old_python, run_on_old

EPOCHS, SEED = 10, 1
HEAD = "| file | op kinds | top-1 equal | values that differ | largest difference |\n| --- | --- | --- | --- | --- |"


def install() -> None:
    """Make the old runtime where it is missing."""
    if old_python().is_file():
        return
    python = os.environ.get("ATOLL_PYTHON39") or shutil.which("python3.9")
    if python is None:
        raise SystemExit("There is no Python 3.9 here. Name one with ATOLL_PYTHON39.")
    folder = old_python().parents[1]
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(old_python()), "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)


def train_two(folder: Path) -> dict[str, Path]:
    """Return checkpoints of a fused and of a depthwise network by their names."""
    dataset = load(folder / "signs")
    return {
        name: train(architecture_of(NETWORKS[name]), dataset, folder / name, seed=SEED, epochs=EPOCHS).checkpoint
        for name in ("fused", "depthwise")
    }


def artifacts(name: str, trained: Path, dataset: Dataset, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield every kind of file made of a trained network, by its name."""
    calibration, images = calibration_pictures(dataset, SEED), dataset.train.images
    quantize_to(trained, calibration, folder / f"{name}_plain.tflite")
    yield f"{name}: int8, plain", folder / f"{name}_plain.tflite"
    correct(trained, images, folder / f"{name}_corrected.keras", seed=SEED)
    train_for_int8(trained, images, folder / f"{name}_trained.keras", seed=SEED, vary=augment)
    for way in ("corrected", "trained"):
        files = convert(folder / f"{name}_{way}.keras", dataset, folder / f"{name}_{way}", seed=SEED)
        yield f"{name}: int8, {way}, with metadata", files.int8
        yield f"{name}: uint8, {way}, with metadata", files.uint8
    export_embedding_extractor(trained, calibration, folder / f"{name}_extractor.tflite")
    yield f"{name}: embedding extractor, uint8", folder / f"{name}_extractor.tflite"


def compare(name: str, model: Path, pixels: np.ndarray, scratch: Path) -> str:
    """Return a row of the table."""
    graph = read_graph(model)
    signed = graph.tensors[graph.inputs[0]].dtype == "int8"
    images = (pixels ^ 0x80).view(np.int8) if signed else pixels
    now, then = run_on_cpu(model, images, kernels="optimized"), run_on_old(model, images, scratch)
    equal = 100 * float((now.argmax(axis=1) == then.argmax(axis=1)).mean())
    apart = np.abs(now.astype(int) - then.astype(int))
    kinds = ", ".join(sorted({f"{op.kind} {op.version}" for op in graph.ops}))
    return f"| {name} | {kinds} | {equal:.1f} % | {100 * float((apart > 0).mean()):.1f} % | {apart.max()} |"


def main() -> None:
    """Compare every file on the test pictures of sign_digits10."""
    install()
    rows = []
    with tempfile.TemporaryDirectory(prefix="atoll-old-") as scratch:
        folder = Path(scratch)
        write_set("signs", folder / "signs")
        named = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
        for name, path in ({name: Path(path) for name, path in named.items()} or train_two(folder)).items():
            dataset = load(folder / "signs").at(image_px_in(path))
            for title, model in artifacts(name, path, dataset, folder):
                rows.append(compare(title, model, np.asarray(dataset.test.images), folder))
                print(rows[-1], flush=True)
    table = "\n".join([HEAD, *rows])
    if "--write" in sys.argv:
        heading = (
            f"\n### Old runtime, {date.today()} (`python benchmarks/models_old_runtime.py`)\n\n"
            f"TensorFlow 2.6.5 under Python 3.9 against LiteRT on the 310 test pictures of sign_digits10.\n\n"
        )
        with RESULTS.open("a") as file:
            file.write(heading + table + "\n")


if __name__ == "__main__":
    main()
