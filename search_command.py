"""The part of the `atoll` command that searches the best network for somebody's pictures, on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

_HELP = "search the best network for your pictures, on this machine"


def add_search(commands: Any) -> None:
    """Add `search` to what argparse returned for subcommands."""
    parser: argparse.ArgumentParser = commands.add_parser("search", help=_HELP, description=_HELP)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("pictures", type=Path, help="a ZIP of class folders, or a folder of them")
    parser.add_argument("--latency", type=milliseconds, required=True, metavar="MS", help="3ms: the most one may take")
    parser.add_argument("--device", default="devboard", help="for the estimate of time (default: devboard)")
    parser.add_argument("--start", default="auto", help="auto, scratch, or the name of published weights")
    parser.add_argument(
        "--family", action="append", default=[], help="a space to search, from scratch; also several times"
    )
    parser.add_argument("--front", action="store_true", help="the best for every latency up to the limit")
    parser.add_argument("--image-px", type=int, metavar="PX", help="largest side of the pictures (default: what suits)")
    parser.add_argument(
        "--onchip", type=float, metavar="MIB", help="the most on-chip memory for parameters (default: 7)"
    )
    parser.add_argument("--file-size", type=float, metavar="KB", help="the most that the int8 file may have, estimated")
    parser.add_argument("--trials", type=int, help="how many networks are tried (default: 8)")
    parser.add_argument(
        "--minutes", type=float, help="the search ends about then, all calls for OUT together; its files come after it"
    )
    parser.add_argument(
        "--min-gain", type=float, metavar="POINTS", help="end when no trial is expected to gain so much"
    )
    parser.add_argument("--finish", action="store_true", help="try nothing more: make the files of the best so far")
    parser.add_argument("--processes", type=int, help="trainings at the same time (default: one for each core)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, help="folder of the search; the same one goes on with it")
    parser.set_defaults(run=_run)


def milliseconds(text: str) -> float:
    """Return the milliseconds that people write as 3, 3ms or 3 ms."""
    return float(text.strip().removesuffix("ms"))


def _run(chosen: argparse.Namespace) -> int:
    import atoll  # the search and what shows it take a second to load
    from search.spec import DEFAULT_ONCHIP_BYTES
    from workers.local_view import conclusion_of

    found = atoll.search(
        chosen.pictures,
        latency_ms=chosen.latency,
        device=chosen.device,
        out=chosen.out,
        start=chosen.start,
        families=chosen.family,
        front=chosen.front,
        image_px=chosen.image_px,
        onchip_bytes=DEFAULT_ONCHIP_BYTES if chosen.onchip is None else int(chosen.onchip * 2**20),
        file_bytes=None if chosen.file_size is None else int(chosen.file_size * 1000),
        trials=chosen.trials,
        minutes=chosen.minutes,
        min_gain=None if chosen.min_gain is None else chosen.min_gain / 100,
        seed=chosen.seed,
        processes=chosen.processes,
        finish=chosen.finish,
    )
    if chosen.json:
        answer = {**found.result, "trials": [record.to_json() for record in found.records]}
        sys.stdout.write(f"{json.dumps(answer, indent=2, ensure_ascii=False)}\n")
        return 0
    from rich.console import Console

    Console().print(conclusion_of(found))
    return 0
