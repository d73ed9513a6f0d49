"""Look at a .tflite file that is quantized, or compiled, already: it is kept as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetpu.graph import Tensor
from edgetpu.inspection import inspect
from edgetpu.tflite import read_graph
from models.foreign.format import Format
from models.pixels import RANGES
from workers.job_process import Report
from workers.jobs.import_facts import compilation_of, compiled_facts, ends_of, facts_of
from workers.jobs.import_files import COMPILED, COMPILED_UINT8, INT8, UINT8, write_labels
from workers.jobs.import_judging import TRAINED_ELSEWHERE, file_guesses, judged, labels_of, plain_pixels, why_not_judged
from workers.jobs.import_pictures import Pictures, pictures_for


def compiled(job: dict[str, Any], path: Path, out_dir: Path) -> dict[str, Any]:
    """Return what a compiled file says of itself; it runs on an Edge TPU only."""
    inspected = inspect(path, job["device"])
    tensor = inspected.graph.tensors[inspected.graph.inputs[0]]
    form, pixels = tensor.dtype, RANGES.get(job["pixels"])
    if pixels is None and form in ("int8", "uint8"):
        pixels = plain_pixels(tensor)
    return {
        "kind": "compiled",
        "format": Format.TFLITE.value,
        "estimate": compiled_facts(inspected, job["device"]),
        "quantization": {"method": "as in the file that was brought", form: ends_of(inspected.graph, pixels)},
        "compilation": compilation_of(inspected, COMPILED),
        "validation": {},
        "labels": job["labels"],
        "preprocessing": pixels.title if pixels else "",
        "notes": ["A compiled file runs on an Edge TPU only, so its accuracy and its time could not be judged here."],
        "original": COMPILED_UINT8 if form == "uint8" else COMPILED,
        "files": write_labels(job["labels"], out_dir),
    }


def quantized(job: dict[str, Any], path: Path, out_dir: Path, report: Report) -> dict[str, Any]:
    """Return what the chip makes of a quantized file, and how often it is right where it knows a dataset's classes."""
    graph = read_graph(path)
    tensor = graph.tensors[graph.inputs[0]]
    pixels = RANGES.get(job["pixels"]) or plain_pixels(tensor)
    pictures = _pictures(job, tensor, out_dir, report)
    output = graph.tensors[graph.outputs[0]]
    answers = output.elements if len(graph.outputs) == 1 and output.shape[:1] == (1,) else None
    labels = labels_of(job["labels"], pictures, answers)
    name = INT8 if tensor.dtype == "int8" else UINT8
    fault = why_not_judged(pictures, labels, answers)
    validation: dict[str, Any] = {}
    notes = [fault] if fault else []
    if pictures is not None and not fault:
        report({"phase": "Judging on the test split"})
        validation = judged(pictures, labels, {tensor.dtype: file_guesses(path, tensor, pictures.test, pixels)})
        notes = [TRAINED_ELSEWHERE]
    return {
        "kind": "quantized",
        "format": Format.TFLITE.value,
        "estimate": facts_of(graph, job["device"]),
        "quantization": {"method": "as in the file that was brought", tensor.dtype: ends_of(graph, pixels)},
        "compilation": compilation_of(inspect(path, job["device"]), name),
        "validation": validation,
        "labels": labels,
        "preprocessing": pixels.title,
        "notes": notes,
        "original": name,
        "files": write_labels(labels, out_dir),
    }


def _pictures(job: dict[str, Any], tensor: Tensor, out_dir: Path, report: Report) -> Pictures | None:
    """Return the dataset's pictures where the input takes pictures."""
    if not job["archive"] or len(tensor.shape) != 4 or tensor.shape[3] not in (1, 3) or tensor.shape[0] != 1:
        return None
    report({"phase": "Preparing the pictures"})
    _, height, width, channels = tensor.shape
    return pictures_for(job, (height, width, channels), out_dir)
