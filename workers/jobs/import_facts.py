"""What a file of an imported model says of itself: ends, memory, time on every device, what the chip does not run."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetpu.compiled_file import read_compiled
from edgetpu.graph import Graph, Tensor
from edgetpu.inspection import Inspection
from edgetpu.latency import DEVICES, estimate
from edgetpu.layers import layers_of
from edgetpu.memory import DEFAULT_CAPACITY_BYTES
from models.foreign.report import report_of
from models.foreign.words import layer_of
from models.pixels import PixelRange
from search.estimates import file_estimate
from workers.jobs.import_judging import quantized_pixels, scale_of

PLAIN = {"uint8": (0, "the pixel as it is, 0 to 255"), "int8": (-128, "the pixel minus 128")}
NOT_COMPILED = (
    "Not compiled. Compile {name} with Coral's edgetpu_compiler before you run it on an Edge TPU; until then it runs "
    "on a CPU."
)


def facts_of(graph: Graph, device: str) -> dict[str, Any]:
    """Return memory, time and the operations on either side, as estimated from a quantized file."""
    report = report_of(graph)
    found = file_estimate(graph, device, DEFAULT_CAPACITY_BYTES)
    found["ops_on_cpu"] = report["ops_on_cpu"]
    for layer in found["layers"]:
        layer["name"] = layer_of(layer["name"])
    return found | {
        "macs": sum(layer.macs for layer in layers_of(graph)),
        "devices": times_on_all(graph),
        **{key: report[key] for key in ("head", "causes", "rest", "sentence")},
    }


def times_on_all(graph: Graph) -> list[dict[str, Any]]:
    """Return the estimated time of an inference on every device that is known, with its band, fastest first."""
    times = [(profile.title, estimate(graph, profile)) for profile in DEVICES.values()]
    return [
        {"title": title, "ms": found.ms, "low_ms": found.low_ms, "high_ms": found.high_ms}
        for title, found in sorted(times, key=lambda one: one[1].ms)
    ]


def ends_of(graph: Graph, pixels: PixelRange | None) -> dict[str, Any]:
    """Return what goes into and comes out of a file, and what is fed for a pixel where that is known."""
    return {
        "input": _end(graph.tensors[graph.inputs[0]], pixels),
        "output": _end(graph.tensors[graph.outputs[0]], None),
    }


def _end(tensor: Tensor, pixels: PixelRange | None) -> dict[str, Any]:
    quantization = tensor.quantization
    return {
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "scale": quantization.scales[0] if quantization else None,
        "zero_point": quantization.zero_points[0] if quantization else None,
        "feed": "" if pixels is None or quantization is None else fed(tensor, pixels),
    }


def fed(tensor: Tensor, pixels: PixelRange) -> str:
    """Return in words what is fed for a pixel value of 0 to 255."""
    table = quantized_pixels(tensor, pixels)
    lowest, words = PLAIN.get(tensor.dtype, (0, ""))
    if words and np.abs(table.astype(int) - np.arange(lowest, lowest + 256)).max() <= 1:  # the rest is rounding
        return words
    scale, zero_point = scale_of(tensor)
    return f"({pixels.title}) / {scale:.6g} + {zero_point}, rounded"


def compiled_facts(inspected: Inspection, device: str) -> dict[str, Any]:
    """Return what a compiled file tells without its source: memory, not time."""
    compiled = inspected.compiled or read_compiled(inspected.graph)
    on_cpu = [
        {"kind": op.kind, "name": layer_of(op.name), "reason": "The compiler left it to the CPU."}
        for op in compiled.cpu_ops
    ]
    return {
        "origin": "read from the compiled file",
        "device": device,
        "device_title": DEVICES[device].title,
        "parameter_bytes": compiled.parameter_bytes,
        "cached_bytes": compiled.cached_bytes,
        "streamed_bytes": compiled.streamed_bytes,
        "ops_on_cpu": on_cpu,
        "layers": [],
        "devices": [],
        "head": _compiled_sentence(len(compiled.operations), on_cpu),
        "sentence": _compiled_sentence(len(compiled.operations), on_cpu),
    }


def _compiled_sentence(parts: int, on_cpu: list[dict[str, str]]) -> str:
    head = f"This file was compiled for the Edge TPU already: {parts} part{'s' if parts > 1 else ''} of it for the chip"
    if not on_cpu:
        return f"{head}, and nothing is left to the CPU."
    names = ", ".join(f"“{op['name']}” ({op['kind']})" for op in on_cpu[:12])
    more = f" and {len(on_cpu) - 12:,} more" if len(on_cpu) > 12 else ""
    return f"{head}; the compiler left these to the CPU: {names}{more}."


def compilation_of(inspected: Inspection, int8_name: str) -> dict[str, Any]:
    """Return whether the file is compiled, in the words of a run's row."""
    compiled = inspected.compiled
    if compiled is None:
        return {"state": "not_compiled", "sentence": NOT_COMPILED.format(name=int8_name), "compiler_version": ""}
    errors = [finding.sentence for finding in inspected.findings if finding.level == "error"]
    fault = f" Its check found: {errors[0]}" if errors else ""
    sentence = f"Compiled before it was brought here; it needs Edge TPU runtime {compiled.min_runtime} or newer.{fault}"
    return {"state": "compiled", "sentence": sentence, "compiler_version": ""}


def shapes_of(graph: Graph) -> dict[str, Any]:
    """Return the shapes of input and output of a file whose scales mean nothing."""
    unknown = {"dtype": "", "scale": None, "zero_point": None, "feed": ""}
    ends = ends_of(graph, None)
    return {side: end | unknown for side, end in ends.items()}
