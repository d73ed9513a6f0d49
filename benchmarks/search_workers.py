"""How much sooner two trainings at a time end a search than one, and what of the time is start-up and tracing.

    .venv/bin/python benchmarks/search_workers.py [TRIALS]

The same order on handwritten digits, from nothing, no rungs in the way: the trials of both runs are compared by their
networks. Wall time from the start of the command's search to its last trial; the files of the best are made after it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "client"))

from atoll_client.digits import pack_digits

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Search with one and with two processes; print the table."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    with tempfile.TemporaryDirectory(prefix="atoll-workers-") as folder:
        archive = Path(folder) / "digits.zip"
        pack_digits(archive)
        found = {processes: search(archive, Path(folder) / str(processes), trials, processes) for processes in (1, 2)}
    print("| processes | trials | networks | wall s | s of training | waiting, start-up, tracing, int8 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for processes, each in found.items():
        share = 1 - each["training_s"] / (processes * each["wall_s"])
        facts = [processes, each["trials"], each["networks"], f"{each['wall_s']:.0f}", f"{each['training_s']:.0f}"]
        print(f"| {' | '.join(map(str, facts))} | {100 * share:.0f} % |")
    print(f"Two processes end {found[1]['wall_s'] / found[2]['wall_s']:.2f} times as soon.")


def search(archive: Path, out: Path, trials: int, processes: int) -> dict[str, Any]:
    """Search once; return times and counts."""
    command = [sys.executable, "-m", "command", "search", str(archive), "-o", str(out), "--latency", "1ms"]
    wish = ["--trials", str(trials), "--processes", str(processes), "--start", "scratch", "--image-px", "32", "--json"]
    started = time.time()
    subprocess.run([*command, *wish], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    files = sorted(out.glob("trials/*/trial.json"))
    kept = [json.loads(file.read_text())["trial"] for file in files]
    return {
        "wall_s": max(file.stat().st_mtime for file in files) - started,
        "trials": sum(trial["state"] == "done" for trial in kept),
        "networks": len({json.dumps(trial["architecture"], sort_keys=True) for trial in kept}),
        "training_s": sum(trained_seconds(file.parent) for file in files),
    }


def trained_seconds(folder: Path) -> float:
    """Return the seconds of a trial's epochs, as its training kept them; 0 for one that never began."""
    if not (folder / "training.npz").exists():
        return 0.0
    import numpy as np

    with np.load(folder / "training.npz", allow_pickle=False) as kept:
        return float(kept["seconds"])


if __name__ == "__main__":
    main()
