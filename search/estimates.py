"""What the chip will make of a network, as plain values for rows and cards. Always estimated, never measured. Pure."""

from __future__ import annotations

from typing import Any

from edgetpu.graph import Graph
from edgetpu.latency import DEVICES, estimate
from edgetpu.memory import memory_map
from edgetpu.rules import map_ops
from models.architecture import Architecture
from search.spec import SearchSpec


def architecture_estimate(architecture: Architecture, spec: SearchSpec) -> dict[str, Any]:
    """Return what is known of an architecture before it is trained."""
    graph = architecture.graph(spec.classes)
    brief = _brief(graph, spec.device, spec.onchip_limit_bytes)
    return brief | {"macs": architecture.macs(spec.classes), "parameters": architecture.parameters(spec.classes)}


def file_estimate(graph: Graph, device: str, capacity_bytes: int) -> dict[str, Any]:
    """Return what is known of an int8 file before it is compiled, layer by layer."""
    memory = memory_map(graph, capacity_bytes)
    latency = estimate(graph, device, capacity_bytes)
    layer_us = {layer.index: layer.total_us for layer in latency.layers}
    layers = [
        {
            "name": layer.name,
            "kind": layer.kind,
            "parameter_bytes": layer.parameter_bytes,
            "placement": layer.placement,
            "ms": round(layer_us.get(layer.index, 0.0) / 1000, 5),
        }
        for layer in memory.layers
    ]
    facts = {"origin": "estimated", "device_title": DEVICES[device].title, "limited_by": latency.limited_by}
    return _brief(graph, device, capacity_bytes) | facts | {"device": device, "layers": layers}


def _brief(graph: Graph, device: str, capacity_bytes: int) -> dict[str, Any]:
    memory = memory_map(graph, capacity_bytes)
    latency = estimate(graph, device, capacity_bytes)
    verdicts = map_ops(graph)
    on_cpu = [{"kind": v.kind, "name": v.name, "reason": v.reason} for v in verdicts if not v.mapped]
    return {
        "latency_ms": latency.ms,
        "low_ms": latency.low_ms,
        "high_ms": latency.high_ms,
        "parameter_bytes": memory.parameter_bytes,
        "cached_bytes": memory.cached_bytes,
        "streamed_bytes": memory.streamed_bytes,
        "remaining_bytes": memory.remaining_bytes,
        "ops": len(verdicts),
        "ops_mapped": len(verdicts) - len(on_cpu),
        "ops_on_cpu": on_cpu,
    }
