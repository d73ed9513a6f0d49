"""The card of a published network: estimates of ours, and figures of others, quoted with their source. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgetpu.devices import DEVICES
from edgetpu.graph import Graph
from edgetpu.latency import estimate
from edgetpu.memory import DEFAULT_CAPACITY_BYTES
from marketplace.catalog import cards
from marketplace.catalog.licences import LICENCES
from marketplace.catalog.presets import Preset
from marketplace.catalog.releasing import KeptFile
from marketplace.catalog.showing import AS_IT_IS
from models.families.published import Count
from search.estimates import file_estimate

DEVICE = "devboard"
"""The device whose estimate stands for a preset where only one fits."""
NOT_COMPILED = (
    "Not compiled: Atoll cannot bring Coral's compiler along. A run of yours is compiled where a worker has it."
)
IMAGENET_CLASSES = 1000


def card_of_preset(
    preset: Preset, *, model: str, licence: str, labels: Sequence[str], files: Sequence[KeptFile], graph: Graph
) -> dict[str, Any]:
    """Return the card of a published network.

    Args:
        preset: the network.
        model: "owner/name".
        licence: a key of LICENCES.
        labels: the classes of its weights; empty for an architecture only.
        files: of the release, without the card itself.
        graph: of its file, or of its architecture where there is no file.
    """
    estimated = file_estimate(graph, DEVICE, DEFAULT_CAPACITY_BYTES)
    quantization = {} if preset.weights is None else ends_in_both_forms(graph)
    return {
        "schema": cards.SCHEMA,
        "model": model,
        "task": "image-classification",
        "licence": {"id": licence, "title": LICENCES.get(licence, licence)},
        "device": DEVICE,
        "accuracy": cards.accuracy_of(None),
        "latency": cards.latency_of(estimated),
        "latencies": latencies_of(graph),
        "input": _input(quantization, preset),
        "output": {form: ends["output"] for form, ends in quantization.items()},
        "quantization": cards.quantization_of(quantization),
        "memory": cards.memory_of(estimated),
        "ops": cards.ops_of(estimated),
        "compiler": {"state": "not_compiled", "sentence": NOT_COMPILED, "version": ""},
        "labels": list(labels),
        "dataset": {},
        "architecture": preset.network.to_json(),
        "published": published_of(preset),
        "files": [{"name": file.name, "bytes": file.byte_count, "sha256": file.sha256} for file in files],
    }


def latencies_of(graph: Graph) -> list[dict[str, Any]]:
    """Return the estimated time on every device."""
    rows = []
    for key, profile in DEVICES.items():
        found = estimate(graph, key)
        times = {"ms": found.ms, "low_ms": found.low_ms, "high_ms": found.high_ms}
        rows.append({"device": key, "title": profile.title, "origin": "estimated", **times})
    return rows


def published_of(preset: Preset) -> dict[str, Any]:
    """Return what others printed of a network, each figure None where nothing is known."""
    found, network = preset.published, preset.counted or preset.network
    ours = {
        "family": preset.family.title,
        "weights": preset.weights.backbone.title if preset.weights else "",
        "parameters": network.parameters(IMAGENET_CLASSES),
        "macs": network.macs(IMAGENET_CLASSES),
        "counted_px": network.image_px,
    }
    if found is None:
        return ours
    return ours | {
        "published_parameters": _printed(found.parameters),
        "published_macs": _printed(found.macs),
        "counts_source": found.source,
        "top1_percent": found.top1,
        "top1_int8_percent": found.top1_int8,
        "top1_source": found.top1_source,
        "note": found.note,
    }


def ends_in_both_forms(graph: Graph) -> dict[str, Any]:
    """Return the input and output of a file under the form that its input has."""
    ends = {"input": graph.tensors[graph.inputs[0]], "output": graph.tensors[graph.outputs[0]]}
    form = ends["input"].dtype
    found = {}
    for side, tensor in ends.items():
        exact = tensor.quantization
        found[side] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "scale": exact.scales[0] if exact else None,
            "zero_point": exact.zero_points[0] if exact else None,
        }
    return {form: found}


def _input(quantization: dict[str, Any], preset: Preset) -> dict[str, Any]:
    side = preset.network.image_px
    form = next(iter(quantization), "")
    rule = f"Bring the picture to {side} × {side} px."
    plain = {"height_px": side, "width_px": side, "colour_order": cards.COLOUR_ORDER, "resize": rule}
    feed = {"feed": AS_IT_IS} if form == "uint8" else {}
    return plain | {"preprocessing": ""} | ({form: quantization[form]["input"] | feed} if form else {})


def _printed(count: Count | None) -> str:
    """Return a count with the digits that were printed: "1.8 G", "407 M", "3,504,872"."""
    if count is None:
        return ""
    for unit, size in (("G", 10**9), ("M", 10**6)):
        if count.value >= size and count.step * 1000 >= size:
            return f"{count.value / size:.{max(0, round(math.log10(size / count.step)))}f} {unit}"
    return f"{count.value:,}"
