"""Make the files that people download, and the estimate of what the chip will make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgetpu.graph import Graph, Tensor
from edgetpu.tflite import read_graph
from search.estimates import file_estimate
from search.judge import quantize_best
from workers.job_process import Report
from workers.jobs.arrays import dataset_for


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return the files, the facts of the quantization, and the estimate from the int8 file itself."""
    dataset = dataset_for(job, report)
    out_dir = Path(job["out_dir"])
    quantized = quantize_best(Path(job["checkpoint"]), dataset, out_dir, seed=job["seed"])
    (out_dir / "labels.txt").write_text("".join(f"{name}\n" for name in dataset.classes))
    (out_dir / "architecture.json").write_text(json.dumps(job["architecture"], indent=2, sort_keys=True) + "\n")
    int8, uint8 = read_graph(quantized.int8), read_graph(quantized.uint8)
    return {
        "files": {
            "checkpoint.keras": job["checkpoint"],
            "model_int8.tflite": str(quantized.int8),
            "model_uint8.tflite": str(quantized.uint8),
            "labels.txt": str(out_dir / "labels.txt"),
            "architecture.json": str(out_dir / "architecture.json"),
        },
        "quantization": {
            "method": "post-training, full int8",
            "calibration_count": quantized.calibration_count,
            "calibration_sha256": quantized.calibration_sha256,
            "int8": ends_of(int8),
            "uint8": ends_of(uint8),
        },
        "estimate": file_estimate(int8, job["device"], job["onchip_limit_bytes"]),
    }


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
