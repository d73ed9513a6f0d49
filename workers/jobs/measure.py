"""Time a compiled model on an attached Edge TPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetpu.runtime import measure
from workers.job_process import Report


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return what was measured, with device, link, clock and number of runs."""
    measured = measure(Path(job["model"]))
    return {
        "state": "measured",
        "sentence": f"Measured on {measured.host} in {measured.runs} runs.",
        "device": measured.host,
        "link": measured.link,
        "clock": measured.clock,
        "runs": measured.runs,
        "p50_ms": measured.p50_ms,
        "p95_ms": measured.p95_ms,
        "mean_ms": measured.mean_ms,
        "sd_ms": measured.std_ms,
        "runtime": f"{measured.software} {measured.runtime_version}".strip(),
    }
