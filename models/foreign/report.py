"""What of a stranger's network the Edge TPU runs, and what it does not and why, layer by layer. Pure."""

from __future__ import annotations

from typing import Any

from edgetpu.graph import Graph
from edgetpu.rules import OpVerdict, map_ops
from models.foreign.words import layer_of

CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
"""The converter puts these around what it leaves in floating point; they are a consequence, not a cause."""
MOST_NAMED = 12


def report_of(graph: Graph) -> dict[str, Any]:
    """Return how many operations run on the chip, those that do not, what is to blame, and the sentences that say so.

    `sentence` is `head`, the `causes` and `rest` in one.
    """
    verdicts = map_ops(graph)
    left = [verdict for verdict in verdicts if not verdict.mapped]
    on_cpu = [_in_words(graph, one) for one in left]
    causes = [_in_words(graph, one) for one in left if one.rule and one.kind not in CONVERSIONS]
    mapped = len(verdicts) - len(left)
    head, rest = _head(len(verdicts), mapped, bool(causes)), _rest(len(left), len(causes))
    named = [f"“{one['name']}” ({one['kind']}): {one['reason']}" for one in causes[:MOST_NAMED]]
    return {
        "ops": len(verdicts),
        "ops_mapped": mapped,
        "ops_on_cpu": on_cpu,
        "head": head,
        "causes": causes[:MOST_NAMED],
        "rest": rest,
        "sentence": " ".join([head, *named, rest]).strip(),
    }


def _in_words(graph: Graph, verdict: OpVerdict) -> dict[str, str]:
    return {"kind": verdict.kind, "name": layer_of(verdict.name), "reason": _reason(graph, verdict)}


def _head(count: int, mapped: int, named: bool) -> str:
    if mapped == count:
        return f"All {count:,} operations can run on the Edge TPU."
    head = f"{mapped:,} of {count:,} operations run on the Edge TPU"
    return f"{head}; these do not:" if named else f"{head}."


def _rest(left: int, causes: int) -> str:
    """Return how many operations are on the CPU for the sake of those that were named."""
    others = left - min(causes, MOST_NAMED)
    if not others or not causes:
        return ""
    return f"{others:,} more stay{'s' if others == 1 else ''} on the CPU because of {'it' if causes == 1 else 'them'}."


def _reason(graph: Graph, verdict: OpVerdict) -> str:
    """Return why an operation stays on the CPU; what the converter left in floating point has no 8-bit form."""
    op = graph.ops[verdict.index]
    float_in = any(tensor.dtype == "float32" and not tensor.constant for tensor in graph.operands(op) if tensor)
    float_out = any(tensor.dtype == "float32" for tensor in graph.results(op))
    if float_in and float_out and verdict.kind not in CONVERSIONS:
        return f"TensorFlow Lite has no 8-bit form of {verdict.kind}, so it is computed in floating point, on the CPU."
    return verdict.reason
