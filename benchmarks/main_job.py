"""The figures of the main job: set-up and demo on a fresh clone, memory, and how soon a killed worker's run goes on.

    python benchmarks/main_job.py                      clone this repository, set it up with cold caches, run the demo
    python benchmarks/main_job.py --dataset A.zip      in this checkout: A.zip, 8 trials, 64 px, limit 3 ms
    python benchmarks/main_job.py --kill               in this checkout: kill -9 of the worker tree in a trial

Prints rows for benchmarks/RESULTS.md. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from atoll_client.digits import pack_digits
from atoll_client.http import Site
from tests.e2e.site import RunningSite, busy_jobs, wait_for

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_S = 0.5
MIB = 2**20


class MemoryWatch(threading.Thread):
    """Samples the memory of a process tree: the site's processes one by one, the worker's tree as a whole."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root, self.ended = root, threading.Event()
        self.site_mib = self.worker_mib = self.worker_pss_mib = 0.0
        self.site_has_tensorflow = False

    def run(self) -> None:
        """Sample until told to end."""
        while not self.ended.wait(SAMPLE_S):
            try:
                self._sample()
            except psutil.Error:
                continue

    def _sample(self) -> None:
        below = psutil.Process(self.root).children(recursive=True)
        for process in below:
            if "gunicorn" in " ".join(process.cmdline()):
                self.site_mib = max(self.site_mib, process.memory_info().rss / MIB)
                maps = Path(f"/proc/{process.pid}/maps").read_text()
                self.site_has_tensorflow |= "tensorflow" in maps
        tree = worker_tree(self.root)
        self.worker_mib = max(self.worker_mib, sum(one.memory_info().rss for one in tree) / MIB)
        self.worker_pss_mib = max(self.worker_pss_mib, sum(one.memory_full_info().pss for one in tree) / MIB)


def worker_tree(root: int) -> list[psutil.Process]:
    """Return the Celery worker below a process, its pool and their job processes."""
    found = {}
    for process in psutil.Process(root).children(recursive=True):
        words = process.cmdline()
        if "worker" in words and "celery" in " ".join(words):
            found |= {one.pid: one for one in [process, *process.children(recursive=True)]}
    return list(found.values())


def run_demo(folder: Path, port: int, **environment: str) -> tuple[str, MemoryWatch, float]:
    """Run the supervisor with the demo until its last line; return what it printed, the memory, and the seconds."""
    data_dir = Path(tempfile.mkdtemp(prefix="atoll-data-"))
    env = os.environ | {"ATOLL_DATA_DIR": str(data_dir)} | environment
    python, begun = folder / ".venv/bin/python", time.monotonic()
    for command in (["migrate", "-v", "0"], ["collectstatic", "-v", "0", "--noinput"]):
        subprocess.run([python, "manage.py", *command], cwd=folder, env=env, check=True)
    process = subprocess.Popen(
        [python, "-m", "workers.supervisor", "--port", str(port), "--demo"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watch = MemoryWatch(process.pid)
    watch.start()
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if "password" in line or "did not reach" in line:
            break
    seconds = time.monotonic() - begun
    watch.ended.set()
    watch.join()
    process.send_signal(signal.SIGINT)
    process.wait(30)
    shutil.rmtree(data_dir, ignore_errors=True)
    return "".join(lines), watch, seconds


def show(title: str, text: str, watch: MemoryWatch, seconds: float) -> None:
    """Print what a demo came to."""
    print(f"\n### {title}\n")
    rows = [("main job, with database and start-up", f"{seconds:.0f} s")]
    for found in re.finditer(r"test split \((\d+) pictures\).*\n\s+float ([\d.]+) %\s+int8 ([\d.]+) %", text):
        rows.append((f"test accuracy ({found[1]} pictures), float / int8", f"{found[2]} % / {found[3]} %"))
    for limit, slowest in re.findall(r"limit ([\d.]+) ms\n\s+slowest network on the leaderboard: ([\d.]+) ms", text):
        rows.append(("slowest network on the leaderboard / limit (estimated)", f"{slowest} ms / {limit} ms"))
    rows.append(("site: largest process, resident", f"{watch.site_mib:.0f} MiB"))
    rows.append(("site: TensorFlow mapped into it", "yes" if watch.site_has_tensorflow else "no"))
    rows.append(
        ("worker tree, sum of resident / of proportional", f"{watch.worker_mib:.0f} / {watch.worker_pss_mib:.0f} MiB")
    )
    for name, value in rows:
        print(f"| {name} | {value} |")
    print("\n" + text)


def measure_fresh_clone(port: int) -> None:
    """Clone, set up with cold caches, run the demo on digits."""
    folder = Path(tempfile.mkdtemp(prefix="atoll-bench-"))
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    cold = {"UV_CACHE_DIR": str(folder / "uv"), "PIP_CACHE_DIR": str(folder / "pip")}
    begun = time.monotonic()
    subprocess.run(["make", "setup"], cwd=clone, env=os.environ | cold, check=True)
    print(f"| make setup, caches cold | {time.monotonic() - begun:.0f} s |")
    show("make demo (digits)", *run_demo(clone, port))
    shutil.rmtree(folder)


def measure_kill(port: int) -> None:
    """Kill the worker tree in a trial, and time until a training shows progress again."""
    folder = Path(tempfile.mkdtemp(prefix="atoll-kill-"))
    site = RunningSite(folder)
    site.start()
    try:
        pack_digits(folder / "digits.zip")
        person = site.person("person")
        version = person.upload("/api/datasets", {"name": "digits"}, folder / "digits.zip")
        wait_for(lambda: person.get(f"/api/datasets/{version['id']}")["status"] == "ready", 120)
        order = {"dataset_version": version["id"], "latency_limit_ms": 1.5, "trials": 3, "image_px": 32}
        path = f"/api/runs/{person.post('/api/runs', order)['id']}"
        wait_for(lambda: _finished(person.get(path)) and "epoch" in person.get(path)["now"], 600)
        before = _finished(person.get(path))
        for process in site.worker_tree():
            os.kill(process.pid, signal.SIGKILL)
        killed = time.monotonic()
        last_words = person.get(path)["now"]  # the row says so until a new worker writes to it
        wait_for(lambda: len(site.worker_tree()) >= 3, 60)
        restarted = time.monotonic()
        wait_for(lambda: person.get(path)["now"] != last_words and "epoch" in person.get(path)["now"], 120)
        resumed = time.monotonic()
        wait_for(lambda: person.get(path)["status"] == "done", 900)
        after = _finished(person.get(path))
        print(f"| kill -9 of the worker tree: worker restarted after | {restarted - killed:.1f} s |")
        print(f"| training goes on, after the restart | {resumed - restarted:.1f} s |")
        print(f"| finished trials repeated | {sum(after[number] != seconds for number, seconds in before.items())} |")
        print(f"| trials on the leaderboard | {len(after)} of 3 |")
        print(
            f"| cancel: training process gone after | {_seconds_to_cancel(site, person, order | {'seed': 9}):.1f} s |"
        )
    finally:
        site.stop()
        shutil.rmtree(folder)


def _seconds_to_cancel(site: RunningSite, person: Site, order: dict[str, Any]) -> float:
    path = f"/api/runs/{person.post('/api/runs', order)['id']}"
    wait_for(lambda: "epoch" in person.get(path)["now"], 120)
    busy = wait_for(lambda: busy_jobs(site), 60)
    person.post(f"{path}/cancel", {})
    begun = time.monotonic()
    wait_for(lambda: not any(one.is_running() for one in busy), 60)
    return time.monotonic() - begun


def _finished(run: dict[str, Any]) -> dict[int, float]:
    return {trial["number"]: trial["seconds"] for trial in run["leaderboard"] if trial["status"] == "done"}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--port", type=int, default=8077)
    options = parser.parse_args()
    if options.kill:
        measure_kill(options.port)
    elif options.dataset:
        asked = {"DATASET": str(options.dataset.resolve()), "LATENCY_MS": "3", "TRIALS": "8", "IMAGE_PX": "64"}
        show(options.dataset.name, *run_demo(ROOT, options.port, **asked))
    else:
        measure_fresh_clone(options.port)


if __name__ == "__main__":
    main()
