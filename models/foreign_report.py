"""What of a stranger's network the Edge TPU runs, and what it does not and why, layer by layer. Pure."""

from __future__ import annotations

from typing import Any

from edgetpu.graph import Graph
from edgetpu.rules import OpVerdict, map_ops
from models.foreign_words import layer_of

CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
"""The converter puts these around what it leaves in floating point; they are a consequence, not a cause."""
MOST_NAMED = 12


def report_of(graph: Graph) -> dict[str, Any]:
    """Return how many operations run on the chip, those that do not, and the sentence that says so."""
    verdicts = map_ops(graph)
    left = [verdict for verdict in verdicts if not verdict.mapped]
    on_cpu = [{"kind": one.kind, "name": layer_of(one.name), "reason": _reason(graph, one)} for one in left]
    mapped = len(verdicts) - len(left)
    return {"ops": len(verdicts), "ops_mapped": mapped, "ops_on_cpu": on_cpu, "sentence": _sentence(graph, verdicts)}


def _sentence(graph: Graph, verdicts: tuple[OpVerdict, ...]) -> str:
    left = [verdict for verdict in verdicts if not verdict.mapped]
    if not left:
        return f"All {len(verdicts):,} operations can run on the Edge TPU."
    causes = [one for one in left if one.rule and one.kind not in CONVERSIONS]
    named = [f"“{layer_of(one.name)}” ({one.kind}): {_reason(graph, one)}" for one in causes[:MOST_NAMED]]
    more = [f"and {len(causes) - MOST_NAMED:,} more"] if len(causes) > MOST_NAMED else []
    others = len(left) - len(causes)
    waits = f" {others:,} more stay on the CPU because of them." if others and causes else ""
    head = f"{len(verdicts) - len(left):,} of {len(verdicts):,} operations run on the Edge TPU"
    return f"{head}; these do not: {' '.join([*named, *more])}{waits}" if named else f"{head}."


def _reason(graph: Graph, verdict: OpVerdict) -> str:
    """Return why an operation stays on the CPU; what the converter left in floating point has no 8-bit form."""
    op = graph.ops[verdict.index]
    float_in = any(tensor.dtype == "float32" and not tensor.constant for tensor in graph.operands(op) if tensor)
    float_out = any(tensor.dtype == "float32" for tensor in graph.results(op))
    if float_in and float_out and verdict.kind not in CONVERSIONS:
        return f"TensorFlow Lite has no 8-bit form of {verdict.kind}, so it is computed in floating point, on the CPU."
    return verdict.reason
