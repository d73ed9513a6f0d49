"""Compiling a run's files: the driver is real, the executable replays what Coral's compiler once printed and wrote."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from edgetpu.errors import CompileFailed, CompilerMissing
from tests.workers.conftest import NAME
from workers.job_process import JobProcess
from workers.jobs import compile_model


@pytest.fixture
def job(tmp_path: Path, shared_dir: Path) -> dict[str, Any]:
    models = {}
    for name in compile_model.COMPILED_NAMES:
        target = tmp_path / name
        shutil.copy(shared_dir / f"data/edgetpu/compiled/source/{NAME}.tflite", target)
        models[name] = str(target)
    return {"models": models, "out_dir": str(tmp_path / "out")}


def ignore(progress: dict[str, Any]) -> None:
    pass


def test_a_compiled_file_is_kept_under_its_own_name_with_the_compilers_report(
    stand_in: Any, job: dict[str, Any], shared_dir: Path
) -> None:
    made = shared_dir / f"data/edgetpu/compiled/2021-07/{NAME}_edgetpu.tflite"
    stand_in(shared_dir / "data/edgetpu/logs/out_v16_offchip_small_model.txt", made)
    result = compile_model.run(job, ignore)
    assert result["state"] == "compiled"
    assert result["compiler_version"] == "16.0.384591198"
    assert set(result["files"]) == {"model_edgetpu.tflite", "model_uint8_edgetpu.tflite"}
    assert Path(result["files"]["model_edgetpu.tflite"]).read_bytes() == made.read_bytes()


def test_a_compiled_file_of_another_network_is_refused(stand_in: Any, job: dict[str, Any], shared_dir: Path) -> None:
    other = shared_dir / "data/edgetpu/compiled/2021-07/mobilenet_v1_0.5_160_quant_edgetpu.tflite"
    stand_in(shared_dir / "data/edgetpu/logs/out_v16_offchip_small_model.txt", other)
    with pytest.raises(CompileFailed, match="does not match its source"):
        compile_model.run(job, ignore)


def test_a_refusal_of_the_compiler_becomes_a_sentence(stand_in: Any, job: dict[str, Any], shared_dir: Path) -> None:
    stand_in(shared_dir / "data/edgetpu/logs/out_v16_fail_large_activation.txt")
    with pytest.raises(CompileFailed) as refused:
        compile_model.run(job, ignore)
    assert str(refused.value).endswith(".")


def test_without_a_compiler_nothing_is_made_up(job: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOLL_EDGETPU_COMPILER", "/nowhere/edgetpu_compiler")
    with pytest.raises(CompilerMissing):
        compile_model.run(job, ignore)


def test_the_report_comes_back_from_the_process_that_compiled(
    stand_in: Any, job: dict[str, Any], shared_dir: Path
) -> None:
    made = shared_dir / f"data/edgetpu/compiled/2021-07/{NAME}_edgetpu.tflite"
    stand_in(shared_dir / "data/edgetpu/logs/out_v16_offchip_small_model.txt", made)
    with JobProcess() as process:
        result = process.run({"job": "compile_model", **job}, ignore, lambda: True, 60)
    model, *_ = result["report"]["models"]
    assert (result["state"], result["fully_mapped"]) == ("compiled", True)
    assert model["cached_bytes"] == 604.5 * 2**10
