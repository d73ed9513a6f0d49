"""Make the files that people download, and the estimate of what the chip will make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgetpu.graph import Graph, Tensor
from edgetpu.tflite import read_graph
from models.description import image_px_in
from models.errors import QuantizationFailed
from models.extractor import EXTRACTOR_FILE, export_embedding_extractor
from models.fidelity import layer_fidelity
from models.metadata import labels_text
from search.dataset import Dataset
from search.estimates import file_estimate
from search.quantizing import Quantized, calibration_pictures, quantize_best
from workers.job_process import Report
from workers.jobs.arrays import dataset_for

WORST_LAYERS = 5
"""So many layers are named on a run's page."""


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return the files, the facts of the quantization, and the estimate from the int8 file itself."""
    dataset = dataset_for(job, report)
    out_dir = Path(job["out_dir"])
    quantized = quantize_best(
        Path(job["checkpoint"]), dataset, out_dir, seed=job["seed"], on_phase=lambda phase: report({"phase": phase})
    )
    (out_dir / "labels.txt").write_text(labels_text(dataset.classes), encoding="utf-8")
    (out_dir / "architecture.json").write_text(json.dumps(job["architecture"], indent=2, sort_keys=True) + "\n")
    int8, uint8 = read_graph(quantized.files.int8), read_graph(quantized.files.uint8)
    return {
        "files": {
            "checkpoint.keras": str(quantized.checkpoint),
            "model_int8.tflite": str(quantized.files.int8),
            "model_uint8.tflite": str(quantized.files.uint8),
            "labels.txt": str(out_dir / "labels.txt"),
            "architecture.json": str(out_dir / "architecture.json"),
            **_extractor(quantized, dataset, out_dir),
        },
        "quantization": {
            **quantized.to_json(),
            "worst_layers": _worst_layers(quantized, dataset),
            "int8": ends_of(int8),
            "uint8": ends_of(uint8),
        },
        "estimate": file_estimate(int8, job["device"], job["onchip_limit_bytes"]),
    }


def _extractor(quantized: Quantized, dataset: Dataset, out_dir: Path) -> dict[str, str]:
    """Return the file that new classes can be learned on, or none where the network has no embedding."""
    pictures = calibration_pictures(dataset.at(image_px_in(quantized.checkpoint)), quantized.seed)
    try:
        export_embedding_extractor(quantized.checkpoint, pictures, out_dir / EXTRACTOR_FILE)
    except QuantizationFailed:
        return {}
    return {EXTRACTOR_FILE: str(out_dir / EXTRACTOR_FILE)}


def _worst_layers(quantized: Quantized, dataset: Dataset) -> list[dict[str, Any]]:
    """Return the layers whose output rounding changes most, on validation pictures."""
    pictures = dataset.at(image_px_in(quantized.checkpoint)).validation.images
    layers = layer_fidelity(quantized.checkpoint, quantized.files.int8, pictures)
    return [layer.to_json() for layer in layers[:WORST_LAYERS]]


def ends_of(graph: Graph) -> dict[str, Any]:
    """Return what goes into and comes out of a file, as the file itself says."""
    return {"input": _end(graph.tensors[graph.inputs[0]]), "output": _end(graph.tensors[graph.outputs[0]])}


def _end(tensor: Tensor) -> dict[str, Any]:
    quantization = tensor.quantization
    return {
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "scale": quantization.scales[0] if quantization else None,
        "zero_point": quantization.zero_points[0] if quantization else None,
    }
