"""Quantize a float network that somebody brought along, and judge both forms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgetpu.graph import Graph
from edgetpu.inspection import inspect
from models.foreign.convert import convert_to_int8, save_for_conversion
from models.foreign.format import Format
from models.foreign.model import Foreign, Served
from models.foreign.opening import open_foreign
from models.pixels import PixelRange
from workers.job_process import Report
from workers.jobs.import_facts import compilation_of, ends_of, facts_of, shapes_of
from workers.jobs.import_files import INT8, ORIGINALS, UINT8, write_labels
from workers.jobs.import_judging import (
    TRAINED_ELSEWHERE,
    file_guesses,
    float_guesses,
    judged,
    labels_of,
    range_of,
    why_not_judged,
)
from workers.jobs.import_pictures import Pictures, Pixels, calibration_sha256, pictures_for

FORMS: Mapping[str, str] = {"int8": INT8, "uint8": UINT8}
MADE_UP_PICTURES = 8
UNQUANTIZED = (
    "Without a dataset it was only looked at: memory, time and operations are those that its int8 form will have. "
    "Bring it again with one of your datasets for files that the Edge TPU runs."
)


def quantize_float(job: dict[str, Any], kind: Format, out_dir: Path, report: Report) -> dict[str, Any]:
    """Return what the chip will make of a float network; with a dataset, also its int8 files and their accuracy."""
    report({"phase": "Opening the network"})
    foreign = open_foreign(Path(job["file"]), kind, out_dir)
    served = Served(foreign)
    if job["archive"]:
        report({"phase": "Preparing the pictures"})
    pictures = pictures_for(job, foreign.shape, out_dir)
    labels = labels_of(job["labels"], pictures, _answers(served))
    pixels, why = range_of(job["pixels"], foreign, served, pictures=pictures, labels=labels)
    report({"phase": "Quantizing to int8"})
    calibration = _made_up(foreign) if pictures is None else pictures.calibration
    graphs = _converted(served, calibration, pixels, out_dir)
    found = {
        "kind": "float",
        "format": kind.value,
        "estimate": facts_of(graphs["int8"], job["device"]) | {"parameters": foreign.parameters},
        "labels": labels,
        "original": ORIGINALS[kind.value],
    }
    if pictures is None:
        return found | _only_looked_at(graphs["int8"], write_labels(labels, out_dir))
    report({"phase": "Judging on the test split"})
    return found | {
        "quantization": _quantization(graphs, calibration, pixels),
        "compilation": compilation_of(inspect(out_dir / INT8, job["device"]), INT8),
        "preprocessing": pixels.title,
        "files": [*FORMS.values(), *write_labels(labels, out_dir)],
        **_judged(served, graphs, pictures, how={"pixels": pixels, "labels": labels, "why": why}, out_dir=out_dir),
    }


def _answers(served: Served) -> int | None:
    """Return how many answers a classifier gives, or None where the network is no classifier."""
    outputs = served(np.zeros(served.shape, np.float32))
    single = len(outputs) == 1 and outputs[0].shape[:1] == (1,) and outputs[0].size == max(outputs[0].shape)
    return int(outputs[0].size) if single else None


def _made_up(foreign: Foreign) -> Pixels:
    """Return random pictures, with which an int8 form has the right operations and the wrong scales."""
    return np.random.default_rng(0).integers(0, 256, (MADE_UP_PICTURES, *foreign.shape), np.uint8)


def _converted(served: Served, calibration: Pixels, pixels: PixelRange, out_dir: Path) -> dict[str, Graph]:
    saved = save_for_conversion(served, out_dir / "served")
    return {
        form: convert_to_int8(saved, calibration, pixels, target=out_dir / name, dtype=form)
        for form, name in FORMS.items()
    }


def _only_looked_at(graph: Graph, files: list[str]) -> dict[str, Any]:
    return {
        "quantization": {"method": "", "int8": shapes_of(graph)},
        "compilation": {"state": "not_compiled", "sentence": "Not quantized, so there is nothing to compile yet."},
        "validation": {},
        "preprocessing": "",
        "notes": [UNQUANTIZED],
        "files": files,
    }


def _quantization(graphs: Mapping[str, Graph], calibration: Pixels, pixels: PixelRange) -> dict[str, Any]:
    return {
        "method": "post-training, 8 bits where TensorFlow Lite has them",
        "calibration_count": len(calibration),
        "calibration_sha256": calibration_sha256(calibration),
        **{form: ends_of(graph, pixels) for form, graph in graphs.items()},
    }


def _judged(
    served: Served, graphs: Mapping[str, Graph], pictures: Pictures, *, how: Mapping[str, Any], out_dir: Path
) -> dict[str, Any]:
    """Return what the test pictures say, and the notes on it."""
    fault = why_not_judged(pictures, how["labels"], _answers(served))
    if fault:
        return {"validation": {}, "notes": [how["why"], fault]}
    guesses = {"float": float_guesses(served, pictures.test, how["pixels"])}
    for form, graph in graphs.items():
        image = graph.tensors[graph.inputs[0]]
        guesses[form] = file_guesses(out_dir / FORMS[form], image, pictures.test, how["pixels"])
    return {"validation": judged(pictures, how["labels"], guesses), "notes": [how["why"], TRAINED_ELSEWHERE]}
