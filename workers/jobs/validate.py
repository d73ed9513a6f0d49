"""Judge the float network and its int8 and uint8 files on the test split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.quantize import QuantizedFiles, Scale
from search.judge import validate_on_cpu
from workers.job_process import Report
from workers.jobs.arrays import dataset_for

TRAINED = "trained.keras"
"""The network as it was trained, before its weights were changed for int8."""


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return the figures of the test split, in the words of the run's row."""
    dataset = dataset_for(job, report)
    paths = {name: Path(path) for name, path in job["paths"].items()}
    files = _files(paths, job["quantization"])
    found = validate_on_cpu(paths["checkpoint.keras"], files, dataset, trained=paths.get(TRAINED))
    return in_words(found, dataset.classes)


def _files(paths: Mapping[str, Path], quantization: Mapping[str, Any]) -> QuantizedFiles:
    ends = [quantization[kind][end] for kind in ("int8", "uint8") for end in ("input", "output")]
    return QuantizedFiles(
        paths["model_int8.tflite"],
        paths["model_uint8.tflite"],
        quantization["calibration_sha256"],
        quantization["calibration_count"],
        *(Scale(end["scale"], end["zero_point"]) for end in ends),
    )


def in_words(found: Mapping[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """Return the figures as pages, cards and the API show them."""
    int8 = found["int8"]
    pictures = [sum(row) for row in int8["confusion"]]
    return {
        "split": "test",
        "pictures": found["n"],
        "float_accuracy": found["float"]["accuracy"],
        "checkpoint_accuracy": found["checkpoint_accuracy"],
        "int8_accuracy": int8["accuracy"],
        "uint8_accuracy": found["uint8"]["accuracy"],
        "balanced_int8_accuracy": int8["balanced_accuracy"],
        "interval": [int8["low_95"], int8["high_95"]],
        "agreement": found["float_int8_agreement"],
        "int8_uint8_agreement": found["int8_uint8_agreement"],
        "per_class": [
            {
                "name": name,
                "recall": int8["recall"][at],
                "float_recall": found["float"]["recall"][at],
                "precision": int8["precision"][at],
                "pictures": pictures[at],
            }
            for at, name in enumerate(classes)
        ],
        "class_changes": found["class_changes"],
        "confusion": int8["confusion"],
    }
