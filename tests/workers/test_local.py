from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command import main
from models.families import FAMILIES
from search.choice import best_of, some_of_front
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState
from workers.job_process import JobProcess
from workers.local import LocalSearch
from workers.local_folder import KeptTrial, keep_trial
from workers.local_pictures import check_pictures
from workers.written import write_whole

ROOT = Path(__file__).resolve().parents[2]
SPEC = SearchSpec(classes=2, image_px=32, latency_limit_ms=10, device="devboard")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder for each of two classes that differ at first sight."""
    folder, random = tmp_path_factory.mktemp("blobs"), np.random.default_rng(0)
    for name, level in (("bright", 190), ("dark", 60)):
        (folder / name).mkdir()
        for number in range(24):
            noise = random.normal(level, 30, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(folder / name / f"{number}.png")
    return folder


def words(pictures: Path, out: Path, *more: str) -> list[str]:
    wish = ["--latency", "0.4ms", "--trials", "1", "--image-px", "24", "--processes", "1", "--start", "scratch"]
    return ["search", str(pictures), "-o", str(out), *wish, "--json", *more]


def trials_in(out: Path) -> list[TrialRecord]:
    files = sorted(out.glob("trials/*/trial.json"))
    return [TrialRecord.from_json(json.loads(file.read_text())["trial"]) for file in files]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_search_goes_on_and_ends_with_files(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    started = subprocess.Popen(
        [sys.executable, "-m", "command", *words(pictures, out)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    wait_for(out / "trials" / "001" / "training.npz")
    started.send_signal(signal.SIGKILL)
    started.wait()
    [interrupted] = trials_in(out)
    assert interrupted.state == TrialState.RUNNING

    assert main(words(pictures, out)) == 0
    answer = json.loads(capsys.readouterr().out)
    [trial] = trials_in(out)
    assert trial.architecture.key == interrupted.architecture.key
    assert trial.finished_well
    assert answer["validation"]["pictures"] > 0
    assert all(Path(path).exists() for path in answer["files"].values())

    made_at = (out / "best" / "result.json").stat().st_mtime_ns
    for more in ([], ["--trials", "5", "--min-gain", "0.1", "--finish"]):
        assert main(words(pictures, out, *more)) == 0
        assert len(trials_in(out)) == 1
        assert (out / "best" / "result.json").stat().st_mtime_ns == made_at, "a search that has ended does nothing more"


@pytest.mark.parametrize(("passed_s", "more"), [(1790.0, False), (0.0, True)])
def test_the_minutes_of_earlier_calls_count(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passed_s: float, more: bool
) -> None:
    out, asked = tmp_path / "out", list[str]()

    def refuse(self: JobProcess, job: dict[str, object], *others: object) -> dict[str, object]:
        asked.append(str(job["job"]))
        return {"stopped": "The test has seen enough."}

    monkeypatch.setattr(JobProcess, "run", refuse)
    checked = check_pictures(pictures, out / "pictures", lambda report: None)
    network = next(iter(FAMILIES["efficientnet_edgetpu"].published.values()))
    done = TrialRecord(1, network, TrialState.DONE, 0.9, 0.9, 0.5, seconds=60.0, rung_accuracies=(0.8, 0.9))
    keep_trial(out, KeptTrial(done, "It was first.", passed_s))
    write_whole(out / "best" / "result.json", json.dumps({"trial": 1, "files": {}}))
    found = LocalSearch(replace(SPEC, minutes=30), checked, out, processes=1).run()
    assert found.records == (done,)
    assert ("propose" in asked) == more


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.1)


def test_a_limit_that_nothing_holds_is_refused_before_anything_is_trained(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = words(pictures, out)
    arguments[arguments.index("0.4ms")] = "0.001ms"
    assert main(arguments) == 1
    assert "the fastest for 24 px pictures" in json.loads(capsys.readouterr().out)["error"]
    assert not (out / "trials").exists()


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(tmp_path / "nothing", tmp_path / "out")) == 1
    assert f"There is no {tmp_path / 'nothing'}" in json.loads(capsys.readouterr().out)["error"]


def test_another_search_in_the_same_folder_is_refused(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "order.json").write_text(json.dumps({"spec": {"seed": 7}, "pictures": "others"}))
    assert main(words(pictures, out)) == 1
    assert "holds another search" in json.loads(capsys.readouterr().out)["error"]


def test_changed_pictures_are_checked_anew(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checked"
    before = check_pictures(pictures, folder, lambda report: None)
    again = check_pictures(pictures, folder, lambda report: None)
    extra = pictures / "dark" / "extra.png"
    Image.fromarray(np.full((32, 32, 3), 10, np.uint8)).save(extra)
    try:
        after = check_pictures(pictures, folder, lambda report: None)
    finally:
        os.unlink(extra)
    assert before == again
    assert after.content_sha256 != before.content_sha256


def test_the_best_is_the_fastest_of_those_that_are_equally_right() -> None:
    architecture = next(iter(FAMILIES["efficientnet_edgetpu"].published.values()))

    def record(number: int, accuracy: float, latency_ms: float) -> TrialRecord:
        return TrialRecord(number, architecture, TrialState.DONE, accuracy, accuracy, latency_ms)

    best = best_of(SPEC, [record(1, 0.9, 3.0), record(2, 0.9, 2.0), record(3, 0.8, 1.0)])
    assert best is not None
    assert best.number == 2
    assert best_of(SPEC, []) is None


def test_files_are_made_for_the_best_and_what_gives_most_at_every_latency() -> None:
    architecture = next(iter(FAMILIES["efficientnet_edgetpu"].published.values()))
    found = {
        9: (0.47, 64.0),
        8: (0.49, 75.4),
        6: (0.5, 79.4),
        3: (0.53, 85.4),
        4: (0.93, 88.5),
        5: (1.07, 90),
        1: (1.2, 91.5),
    }
    front = [
        TrialRecord(number, architecture, TrialState.DONE, percent / 100, latency_ms=latency_ms)
        for number, (latency_ms, percent) in found.items()
    ]
    beaten = TrialRecord(10, architecture, TrialState.DONE, 0.5, latency_ms=9.0)
    running = TrialRecord(11, architecture, TrialState.RUNNING, latency_ms=0.1)
    assert [record.number for record in some_of_front(SPEC, [*front, beaten, running])] == [3, 4, 5, 1]
    assert [record.number for record in some_of_front(SPEC, front[:2])] == [9, 8]
    assert some_of_front(SPEC, [running]) == []
