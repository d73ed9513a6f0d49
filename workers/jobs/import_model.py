"""Open a model that somebody brought along, make its int8 form, and say what the Edge TPU makes of it.

It runs in a cell (workers.isolation): whatever it returns is checked again before it is kept (workers.steps).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetpu.compiled_file import is_compiled
from edgetpu.tflite import read_graph
from models.errors import ForeignRefused
from models.foreign.format import Format, format_of
from workers.job_process import Report
from workers.jobs import import_quantized


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return what was found, and the names of the files in `out_dir`; refusals are sentences.

    Args:
        job: file, name (what its owner calls it), pixels (a key of models.pixels.RANGES, or "auto"), labels, device,
            seed, out_dir; archive and manifest of a dataset, or empty.
        report: told what it is doing.
    """
    path, out_dir = Path(job["file"]), Path(job["out_dir"])
    out_dir.mkdir(parents=True, exist_ok=True)
    report({"phase": "Looking at the file"})
    kind = format_of(path, job["name"])
    if kind is Format.TFLITE:
        graph = read_graph(path)
        if len(graph.inputs) < 1 or len(graph.outputs) < 1 or not graph.ops:
            raise ForeignRefused("This .tflite file has no input, no output or no operation. Export the network again.")
        if is_compiled(graph):
            return import_quantized.compiled(job, path, out_dir)
        if graph.tensors[graph.inputs[0]].dtype in ("int8", "uint8"):
            return import_quantized.quantized(job, path, out_dir, report)
    from workers.jobs import import_float  # TensorFlow takes 10 s to load: only where it is needed

    return import_float.quantize_float(job, kind, out_dir, report)
