"""Upload, search, int8 files, release, notice and download over HTTP, with real training, and with processes killed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from atoll_client.http import Site, SiteError
from edgetpu.runtime import run_on_cpu
from tests.e2e.site import ROOT, RunningSite, busy_jobs, wait_for
from tests.pictures import zip_of_classes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CLASSES, PICTURES = 3, 30
FILES = {
    "architecture.json",
    "card.json",
    "checkpoint.keras",
    "embedding_extractor.tflite",
    "labels.txt",
    "model_int8.tflite",
    "model_uint8.tflite",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    running = RunningSite(tmp_path_factory.mktemp("site"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def author(site: RunningSite) -> Site:
    return site.person("author")


@pytest.fixture(scope="module")
def dataset(author: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    archive = zip_of_classes(tmp_path_factory.mktemp("zip") / "bands.zip", classes=CLASSES, pictures=PICTURES)
    uploaded = author.upload("/api/datasets", {"name": "bands"}, archive)
    version: dict[str, Any] = wait_for(lambda: ended(author, f"/api/datasets/{uploaded['id']}", "checking"), 60)
    assert version["status"] == "ready", version["refusal"]
    return version


def ended(site: Site, path: str, *underway: str) -> dict[str, Any] | None:
    found: dict[str, Any] = site.get(path)
    return None if found["status"] in underway else found


def order(author: Site, dataset: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Order a run; what holds 0.4 ms is small, and trained soon."""
    asked = {"dataset_version": dataset["id"], "latency_limit_ms": 0.4, "trials": 2, "image_px": 32, "seed": 1}
    answer: dict[str, Any] = author.post("/api/runs", asked | changes)
    return answer


def finished(author: Site, run: dict[str, Any], timeout_s: float = 400) -> dict[str, Any]:
    underway = ("queued", "searching", "quantizing", "compiling", "validating", "measuring")
    done: dict[str, Any] = wait_for(lambda: ended(author, f"/api/runs/{run['id']}", *underway), timeout_s)
    return done


@pytest.fixture(scope="module")
def run(author: Site, dataset: dict[str, Any]) -> dict[str, Any]:
    return finished(author, order(author, dataset))


def test_a_run_ends_with_int8_figures_and_says_what_it_could_not_do(run: dict[str, Any]) -> None:
    assert run["status"] == "done", run["failure"]
    assert run["validation"]["split"] == "test"
    assert run["validation"]["int8_accuracy"] > 0.8
    assert run["compilation"]["state"] == "not_compiled"
    assert run["compilation"]["sentence"].startswith("Not compiled: no worker has edgetpu_compiler")
    assert run["measurement"]["state"] == "not_measured"
    assert run["estimate"]["origin"] == "estimated"
    assert run["estimate"]["low_ms"] < run["estimate"]["latency_ms"] < run["estimate"]["high_ms"]
    assert run["estimate"]["ops_on_cpu"] == []


def test_every_network_on_the_leaderboard_holds_the_limit(run: dict[str, Any]) -> None:
    assert len(run["leaderboard"]) == 2
    assert all(trial["latency_ms"] <= run["spec"]["latency_limit_ms"] for trial in run["leaderboard"])
    assert len({trial["architecture_key"] for trial in run["leaderboard"]}) == 2


def test_the_estimate_before_training_is_that_of_the_file(run: dict[str, Any]) -> None:
    best = next(trial for trial in run["leaderboard"] if trial["best"])
    assert best["parameter_bytes"] == run["estimate"]["parameter_bytes"]
    assert best["latency_ms"] == pytest.approx(run["estimate"]["latency_ms"], abs=1e-6)


def test_a_subscriber_downloads_a_release_and_hears_of_the_next_which_is_of_another_network(
    site: RunningSite, author: Site, run: dict[str, Any], tmp_path: Path
) -> None:
    reader = site.person("reader")
    release = author.post("/api/models", {"run": run["id"], "name": "bands-edgetpu"})
    assert {file["rfilename"] for file in release["siblings"]} == FILES
    for file in release["siblings"]:
        target = tmp_path / file["rfilename"]
        etag = reader.download(f"/author/bands-edgetpu/resolve/main/{target.name}", target)
        assert etag == file["lfs"]["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    the_files_belong_together(tmp_path)

    reader.put("/api/models/author/bands-edgetpu/subscription")
    assert reader.get("/api/notices")["notices"] == []
    files_are_made_of_the_other_network(author, run)
    author.post("/api/models", {"run": run["id"], "name": "bands-edgetpu"})
    assert [notice["release"] for notice in reader.get("/api/notices")["notices"]] == [2]


def the_files_belong_together(folder: Path) -> None:
    """Both int8 files answer alike, and the checkpoint retrains with the very script of the README."""
    side = json.loads((folder / "card.json").read_text())["input"]["height_px"]
    pixels = np.random.default_rng(0).integers(0, 256, (40, side, side, 3), dtype=np.uint8)
    int8 = run_on_cpu(folder / "model_int8.tflite", (pixels.astype(np.int16) - 128).astype(np.int8))
    uint8 = run_on_cpu(folder / "model_uint8.tflite", pixels)
    assert np.array_equal(int8.astype(np.int16) + 128, uint8.astype(np.int16))
    assert (folder / "labels.txt").read_text().split() == ["class0", "class1", "class2"]
    np.save(folder / "pictures.npy", pixels)
    np.save(folder / "labels.npy", np.arange(40) % CLASSES)
    script = re.search(r"```python\n(import keras.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert script is not None
    assert len(script[1].strip().splitlines()) <= 11
    subprocess.run([sys.executable, "-c", script[1]], cwd=folder, check=True, capture_output=True)
    assert (folder / "retrained.keras").stat().st_size > 0


def files_are_made_of_the_other_network(author: Site, run: dict[str, Any]) -> None:
    other = next(trial["number"] for trial in run["leaderboard"] if not trial["best"])
    author.post(f"/api/runs/{run['id']}/choose", {"trial": other})
    chosen = finished(author, run)
    assert (chosen["status"], chosen["networks_tested"]) == ("done", 2)
    assert next(trial["number"] for trial in chosen["leaderboard"] if trial["best"]) == other
    hashes = [{file["name"]: file["sha256"] for file in each["artifacts"]} for each in (run, chosen)]
    assert hashes[0].keys() == hashes[1].keys()
    assert hashes[0]["model_int8.tflite"] != hashes[1]["model_int8.tflite"]


def test_files_are_made_anew_after_further_trials(author: Site, run: dict[str, Any]) -> None:
    author.post(f"/api/runs/{run['id']}/trials", {"trials": 1})
    more = finished(author, run)
    assert (more["status"], len(more["leaderboard"])) == ("done", 3)


def test_a_downloads_second_half_and_an_unchanged_file_cost_little(
    site: RunningSite, author: Site, run: dict[str, Any]
) -> None:
    url = f"{site.address}/api/runs/{run['id']}/files/model_int8.tflite"
    headers = {"Authorization": f"Bearer {author.token}"}
    whole = urllib.request.urlopen(urllib.request.Request(url, headers=headers))
    body = whole.read()
    part = urllib.request.urlopen(urllib.request.Request(url, headers=headers | {"Range": "bytes=1000-"}))
    assert (part.status, part.read()) == (206, body[1000:])
    with pytest.raises(urllib.error.HTTPError, match="304"):
        urllib.request.urlopen(urllib.request.Request(url, headers=headers | {"If-None-Match": whole.headers["ETag"]}))


def test_nothing_of_a_private_run_is_seen_by_others(site: RunningSite, run: dict[str, Any]) -> None:
    stranger = site.person("stranger")
    with pytest.raises(SiteError) as refused:
        stranger.get(f"/api/runs/{run['id']}")
    assert refused.value.status == 404


def training(author: Site, run: dict[str, Any]) -> bool:
    found = author.get(f"/api/runs/{run['id']}")
    return "epoch" in found["now"]


def test_a_cancelled_run_kills_its_training(site: RunningSite, author: Site, dataset: dict[str, Any]) -> None:
    ordered = order(author, dataset, trials=1, latency_limit_ms=30, image_px=224, seed=3)
    wait_for(lambda: training(author, ordered), 120)
    busy = wait_for(lambda: busy_jobs(site), 60)
    author.post(f"/api/runs/{ordered['id']}/cancel", {})
    wait_for(lambda: not any(one.is_running() for one in busy), 30)
    assert author.get(f"/api/runs/{ordered['id']}")["status"] == "cancelled"


def test_a_worker_tree_killed_in_a_trial_goes_on_by_itself_and_repeats_nothing(
    site: RunningSite, author: Site, dataset: dict[str, Any]
) -> None:
    ordered = order(author, dataset, trials=3, seed=4)

    def one_done_and_another_training() -> bool:
        found = author.get(f"/api/runs/{ordered['id']}")
        return any(trial["status"] == "done" for trial in found["leaderboard"]) and training(author, ordered)

    wait_for(one_done_and_another_training, 300)
    before = {t["number"]: t for t in author.get(f"/api/runs/{ordered['id']}")["leaderboard"] if t["status"] == "done"}
    for process in site.worker_tree():
        os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: training(author, ordered) or ended_well(author, ordered), 60)
    done = finished(author, ordered)
    assert done["status"] == "done"
    after = {trial["number"]: trial for trial in done["leaderboard"]}
    assert len(done["leaderboard"]) == 3
    assert len({trial["architecture_key"] for trial in done["leaderboard"]}) == 3
    assert all(after[number]["seconds"] == trial["seconds"] for number, trial in before.items())


def ended_well(author: Site, run: dict[str, Any]) -> bool:
    return bool(author.get(f"/api/runs/{run['id']}")["status"] == "done")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running_after_ctrl_c_or_kill_9(tmp_path: Path, how: signal.Signals) -> None:
    running = RunningSite(tmp_path)
    running.start()
    wait_for(lambda: len(running.worker_tree()) >= 3, 30)
    processes = running.processes()
    assert len(processes) >= 7
    os.kill(processes[0].pid, how)
    assert running.process is not None
    running.process.wait(30)
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert alive == []
