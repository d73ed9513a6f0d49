"""Networks are proven during a search, on the site and without it: by what the compiler once printed and wrote."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edgetpu.attached import AttachedDevice
from marketplace.devices.services import announce_worker
from marketplace.runs.models import Artifact, Run, Trial
from marketplace.runs.specs import record_of
from marketplace.storage import store_path
from marketplace.work.models import Step
from marketplace.work.services import order_step
from models.architecture import Architecture, Block
from search.trial import TrialRecord, TrialState
from tests.factories import make_run, make_user
from workers import tasks
from workers.errors import StepFailed
from workers.job_process import JobProcess
from workers.local_chip import LocalChip, is_measured
from workers.steps import measure_trial
from workers.steps.engine import engine

NETWORK = Architecture("efficientnet_edgetpu", 32, 8, (Block("fused", 3, 2, 16, 8),), 16)
RECORD = TrialRecord(1, NETWORK, TrialState.DONE, 0.9, 0.9, latency_ms=0.4)
MEASURED = {
    "state": "measured",
    "p50_ms": 1.5,
    "link": "usb3",
    "clock": "max",
    "sentence": "Measured on here in 250 runs.",
}


@pytest.fixture
def trial(source: Path) -> Trial:
    """A trial that has just ended, with its int8 file, in a search that goes on."""
    run = make_run(make_user(), status=Run.Status.SEARCHING, device="usb3")
    trial = run.trials.get()
    kept = store_path(source, "artifacts")
    Artifact.objects.create(
        run=run,
        trial=trial,
        name="model_int8.tflite",
        sha256=kept.sha256,
        byte_count=kept.byte_count,
        storage_key=kept.key,
    )
    return trial


@pytest.fixture
def folder(tmp_path: Path, source: Path) -> Path:
    """A trial's folder without the site."""
    shutil.copy(source, tmp_path / "model_int8.tflite")
    return tmp_path


def compile_trial(trial: Trial) -> Trial:
    order_step(kind=Step.Kind.COMPILE_TRIAL, subject=trial.pk, needs=Step.Needs.COMPILER)
    try:
        tasks.work("compiler")
    finally:
        engine.close()
    trial.refresh_from_db()
    return trial


@pytest.mark.django_db(transaction=True)
def test_the_site_compiles_and_measures_a_trial(trial: Trial, compiling: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announce_worker(name="bench", compiler="16.0.384591198", edge_tpus=[{"link": "usb3"}])
    assert compile_trial(trial).compilation["fully_mapped"] is True
    assert trial.artifacts.get(name="model_edgetpu.tflite").byte_count == compiling.stat().st_size
    assert Step.objects.get(kind=Step.Kind.MEASURE_TRIAL).status == Step.Status.WAITING
    monkeypatch.setattr(measure_trial, "do_job", lambda name, heartbeat, **job: MEASURED)  # no Edge TPU is here
    tasks.work("device")
    trial.refresh_from_db()
    assert record_of(trial).measured_ms == 1.5


@pytest.mark.django_db(transaction=True)
def test_what_the_compiler_says_of_a_trial_it_refuses_is_kept(trial: Trial, refusing: None) -> None:
    announce_worker(name="bench", compiler="16.0.384591198", edge_tpus=[])
    assert compile_trial(trial).compilation["state"] == "failed"
    assert record_of(trial).refused.endswith(".")


@pytest.mark.django_db(transaction=True)
def test_a_compiler_that_is_gone_says_nothing_about_the_network(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOLL_EDGETPU_COMPILER", "/nowhere/edgetpu_compiler")
    assert compile_trial(trial).compilation["state"] == "not_compiled"
    assert record_of(trial).refused == ""


def test_a_search_without_the_site_proves_its_trials(folder: Path, compiling: Path) -> None:
    with JobProcess() as process:

        def do(job: dict[str, Any]) -> dict[str, Any]:
            if job["job"] == "measure":
                assert Path(job["model"]).read_bytes() == compiling.read_bytes()
                return MEASURED  # no Edge TPU is here
            return process.run(dict(job), lambda report: None, lambda: True, 60)

        proven = LocalChip(compiles=True, measures=True).prove(do, "usb3", RECORD, folder)
        unmeasured = LocalChip(compiles=True, measures=False).prove(do, "usb3", RECORD, folder)
    assert (proven.measured_ms, unmeasured.measured_ms) == (1.5, None)
    assert proven.compiled_bytes == unmeasured.compiled_bytes
    assert "streams 3,532.8 KiB" in proven.refused, "as the recorded output says, which is of a larger network"


def test_without_compiler_or_device_nothing_is_claimed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOLL_EDGETPU_COMPILER", "/nowhere/edgetpu_compiler")
    chip = LocalChip.found_here()
    assert (chip.compiles, chip.measures) == (False, False)
    assert chip.prove(partial(pytest.fail, "nothing can be done"), "usb3", RECORD, folder) == RECORD
    compilation = chip.compilation(partial(pytest.fail, "nothing can be done"), {}, folder)
    assert compilation["sentence"].startswith("Not compiled")
    assert not is_measured({"measurement": chip.measurement(partial(pytest.fail, "no"), compilation)})


def test_a_device_that_is_lost_leaves_the_estimate(folder: Path) -> None:
    def lost(job: dict[str, Any]) -> dict[str, Any]:
        raise StepFailed("The Edge TPU stopped answering in the middle of a run.")

    found = LocalChip(compiles=True, measures=True).measurement(lost, {"files": {"model_edgetpu.tflite": "x"}})
    assert found == {"state": "not_measured", "sentence": "The Edge TPU stopped answering in the middle of a run."}


def test_a_machine_with_compiler_and_device_is_known(
    stand_in: Any, compiling: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attached = AttachedDevice("usb3", Path("/dev/bus/usb/002/003"), True, "usb:0")
    monkeypatch.setattr("workers.abilities.list_devices", lambda: (attached,))
    chip = LocalChip.found_here()
    assert (chip.compiles, chip.measures) == (True, True)
