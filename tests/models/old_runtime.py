"""The stand-in for the Edge TPU compiler's own runtime: TensorFlow 2.6.5 under Python 3.9 (STACK.md)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("old_runtime_program.py")
REQUIREMENTS = ("tensorflow-cpu==2.6.5", "protobuf==3.19.6", "numpy<1.20")


def old_python() -> Path:
    """Return where its Python is, or would be; `benchmarks/models_old_runtime.py` makes it."""
    return Path(os.environ.get("ATOLL_OLD_RUNTIME", ROOT / "var/old-runtime")) / "bin/python"


def run_on_old(model: Path, images: np.ndarray, scratch: Path) -> np.ndarray:
    """Return the first output (images, values) of a model, as TensorFlow 2.6.5 computes it."""
    files = [scratch / "images.npy", scratch / "outputs.npy"]
    np.save(files[0], images)
    environment = {"PATH": os.environ["PATH"], "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [str(old_python()), "-I", str(PROGRAM), str(model), *map(str, files)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return np.asarray(np.load(files[1]))
