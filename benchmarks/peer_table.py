"""What searches beside their peers found, as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def table(lines_file: Path, limits: Sequence[str]) -> str:
    """Return all lines of `benchmarks/search_peers.py` as a table: a row for each set, time, method and seed."""
    rows = [json.loads(line) for line in lines_file.read_text().splitlines()]
    head = "| set | CPU s | method | seed | trials | " + " | ".join(limits) + " |"
    lines = [head, "| --- " * (5 + len(limits)) + "|"]
    for row in sorted(rows, key=lambda each: (each["set"], each["seconds"], each["method"], each["seed"])):
        cells = [cell(row["tested"][limit]) for limit in limits]
        facts = [row["set"], f"{row['seconds']:g}", row["method"], str(row["seed"]), str(row["trials"])]
        lines.append(f"| {' | '.join([*facts, *cells])} |")
    return "\n".join(lines)


def cell(found: dict[str, Any] | None) -> str:
    """Return a network in a cell: int8 accuracy (balanced), estimated latency, computation."""
    if found is None:
        return "none"
    right = f"{100 * found['int8']:.1f} ({100 * found['balanced']:.1f})"
    return f"{right} at {found['latency_ms']:.2f} ms, {found['macs'] / 1e6:.0f} M"
