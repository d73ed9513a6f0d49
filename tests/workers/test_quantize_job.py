"""The jobs that make a run's files and judge them, one after the other as the steps call them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgetpu.tflite import read_graph
from models.metadata import read_labels
from tests.models.networks import SMALL, write_network
from tests.search.pictures import write_pictures

pytestmark = pytest.mark.slow


def test_a_trained_network_becomes_files_that_belong_together_and_figures_that_pages_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketplace.runs.int8_changes import int8_changes
    from search import quantizing
    from workers.jobs import quantize, validate

    monkeypatch.setattr(quantizing._Trial, "loses", False)  # never trained for int8: that has tests of its own
    dataset = write_pictures(tmp_path / "16px")
    trained, phases = write_network(tmp_path / "trained.keras"), list[dict[str, Any]]()
    job = {"arrays": str(tmp_path / "16px"), "archive": "", "manifest": "", "px": 16}
    order = {"checkpoint": str(trained), "architecture": SMALL.to_json(), "device": "devboard", "seed": 5}
    limits = {"onchip_limit_bytes": 7 * 2**20, "out_dir": str(tmp_path / "out")}
    made = quantize.run({**job, **order, **limits}, phases.append)
    json.dumps(made, allow_nan=False)
    files = {name: Path(path) for name, path in made["files"].items()}
    assert {"checkpoint.keras", "model_int8.tflite", "embedding_extractor.tflite", "labels.txt"} <= set(files)
    assert read_labels(files["model_uint8.tflite"]) == dataset.classes
    assert read_graph(files["embedding_extractor.tflite"]).ops[-1].kind in ("MEAN", "QUANTIZE")
    assert made["quantization"]["calibration_seed"] == 5
    assert {"phase": "Correcting weights for int8"} in phases

    paths = {name: str(files[name]) for name in ("checkpoint.keras", "model_int8.tflite", "model_uint8.tflite")}
    paths["trained.keras"] = str(trained)
    found = validate.run({**job, "paths": paths, "quantization": made["quantization"]}, phases.append)
    json.dumps(found, allow_nan=False)
    assert found["pictures"] == len(dataset.test)
    assert {"float_recall", "recall"} <= set(found["per_class"][0])
    changes = int8_changes(made["quantization"], found)
    assert changes is not None
    assert len(changes.layers) == quantize.WORST_LAYERS
    assert [way.chosen for way in changes.ways].count(True) == 1
