"""Kills a search with SIGKILL ten times at random moments, lets it end, and counts what was lost.

    .venv/bin/python benchmarks/search_kills.py [KILLS]

A search of two processes on handwritten digits; the command and both trainings die at once. After each kill, what is on
disk is noted; nothing that was noted may be fewer later: epochs of each training, accuracies at the rung, ended trials.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "client"))

import numpy as np

from atoll_client.digits import pack_digits

ROOT = Path(__file__).resolve().parents[1]
WISH = ["--latency", "1ms", "--trials", "5", "--image-px", "32", "--processes", "2", "--start", "scratch", "--json"]
SHORTEST_S, LONGEST_S = 8.0, 45.0
"""Between a start and its kill: from before the first training has begun to after a trial has ended."""
SEED = 20261121


def main() -> None:
    """Kill, look, go on; print what was found."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    moments = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="atoll-kills-") as folder:
        archive, out = Path(folder) / "digits.zip", Path(folder) / "out"
        pack_digits(archive)
        before: dict[str, Any] = {}
        for number in range(1, kills + 1):
            seconds = moments.uniform(SHORTEST_S, LONGEST_S)
            if not run(archive, out, seconds):
                print(f"the search ended before kill {number}")
                break
            now = standing(out)
            losses = lost(before, now)
            print(f"kill {number} after {seconds:.1f} s: {summary(now)}; lost: {losses or 'nothing'}", flush=True)
            before = now
        run(archive, out, None)
        end = standing(out)
        print(f"ended: {summary(end)}; lost: {lost(before, end) or 'nothing'}")


def run(archive: Path, out: Path, seconds: float | None) -> bool:
    """Start or go on with the search; kill it after so long, or wait for its end. Say whether it was killed."""
    command = [sys.executable, "-m", "command", "search", str(archive), "-o", str(out), *WISH]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.5)
        return True


def standing(out: Path) -> dict[str, Any]:
    """Return what is on disk of each trial: its state, its network, finished epochs, accuracy at the rung."""
    found = {}
    for file in sorted(out.glob("trials/*/trial.json")):
        trial = json.loads(file.read_text())["trial"]
        state = file.with_name("training.npz")
        epoch, rung = 0, None
        if state.exists():
            with np.load(state, allow_pickle=False) as kept:
                epoch, rung = int(kept["epoch"]), float(kept["rung_accuracy"]) if "rung_accuracy" in kept else None
        network = json.dumps(trial["architecture"], sort_keys=True)
        found[file.parent.name] = {"state": trial["state"], "network": network, "epoch": epoch, "rung": rung}
    return found


def lost(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what was there before and is not there now."""
    found = []
    for name, was in before.items():
        is_now = now.get(name)
        if is_now is None or is_now["network"] != was["network"]:
            found.append(f"trial {name}")
        elif was["state"] == "done" != is_now["state"]:
            found.append(f"the end of trial {name}")
        elif is_now["epoch"] < was["epoch"]:
            found.append(f"epochs of trial {name}")
        elif was["rung"] is not None and is_now["rung"] != was["rung"]:
            found.append(f"the rung of trial {name}")
    return found


def summary(found: dict[str, Any]) -> str:
    """Return a line: what each trial has reached."""
    return ", ".join(f"{name} {each['state']} at epoch {each['epoch']}" for name, each in found.items()) or "no trial"


if __name__ == "__main__":
    main()
