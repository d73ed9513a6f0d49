"""The script of a model's page, run as people run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marketplace.catalog.showing import retrain_script

MAKE_CHECKPOINT = """
from models.architecture import Architecture, Block
from models.network import build_network
block = Block(kind="fused", kernel=3, stride=2, expanded=16, filters=8)
build_network(Architecture("efficientnet-edgetpu", 32, 8, (block,), 16), 4, seed=1).save("checkpoint.keras")
"""


@pytest.mark.slow
def test_the_script_teaches_a_checkpoint_ones_own_classes(tmp_path: Path) -> None:
    for name, brightness in (("dark", 50), ("light", 200)):
        folder = tmp_path / "my_pictures" / name
        folder.mkdir(parents=True)
        for number in range(20):
            Image.fromarray(np.full((40, 50, 3), brightness + number, np.uint8)).save(folder / f"{number}.png")
    root = str(Path(__file__).resolve().parents[3])
    env = {**os.environ, "PYTHONPATH": root, "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}
    script = retrain_script({"input": {"height_px": 32}}).replace("epochs=10", "epochs=1")
    for code in (MAKE_CHECKPOINT, script):
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "mine.keras").stat().st_size > 10_000
