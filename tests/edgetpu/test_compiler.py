from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from edgetpu.compiler import Compiler, ask_version, find_compiler, require_compiler
from edgetpu.culprit import find_culprit, smallest_failure
from edgetpu.errors import (
    BadModel,
    CompileFailed,
    CompilerBusy,
    CompilerCrashed,
    CompilerMissing,
    CompileTimeout,
)
from edgetpu.package import validate
from edgetpu.submodel import cut_out
from edgetpu.tflite import read_graph
from tests.edgetpu.standin_compiler import POISON

HERE = Path(__file__).parent


@pytest.fixture
def standin(tmp_path: Path, logs_folder: Path, compiled_folder: Path) -> Compiler:
    program = tmp_path / "bin" / "edgetpu_compiler"
    program.parent.mkdir()
    words = [sys.executable, HERE / "standin_compiler.py", logs_folder, compiled_folder, tmp_path / "counter"]
    program.write_text(f'#!/bin/sh\nexec {" ".join(map(str, words))} "$@"\n')
    program.chmod(0o755)
    return Compiler(program, ask_version(program))


@pytest.fixture(params=["standin", pytest.param("real", marks=pytest.mark.compiler)])
def compiler(request: pytest.FixtureRequest) -> Compiler:
    """The contract below holds for the stand-in and for Coral's own compiler."""
    if request.param == "standin":
        found: Compiler = request.getfixturevalue("standin")
        return found
    real = find_compiler()
    if real is None:
        pytest.skip("there is no edgetpu_compiler on this machine")
    return real


def named(tmp_path: Path, mobilenet: Path, name: str) -> Path:
    return Path(shutil.copy(mobilenet, tmp_path / f"{name}.tflite"))


def test_it_tells_its_version(compiler: Compiler) -> None:
    assert compiler.major_version in range(1, 17)
    assert compiler.version.count(".") == 2


def test_it_compiles_a_quantized_model_to_a_file_that_passes_every_check(
    compiler: Compiler, tmp_path: Path, mobilenet: Path
) -> None:
    report = compiler.compile([mobilenet], tmp_path / "out")
    assert report.succeeded
    assert report.models[0].subgraphs == 1
    (file,) = report.files
    assert file.name == "mobilenet_v1_0.25_128_quant_edgetpu.tflite"
    assert [finding for finding in validate(file, mobilenet) if finding.level != "ok"] == []


def test_models_compiled_together_are_all_reported(
    compiler: Compiler, tmp_path: Path, source_models: tuple[Path, ...]
) -> None:
    models = [path for path in source_models if path.name.startswith(("mobilenet_v1_0.25", "mobilenet_v1_0.5"))]
    report = compiler.compile(models, tmp_path / "out")
    assert len(report.models) == len(report.files) == 2


def test_a_missing_model_is_refused_before_the_compiler_runs(compiler: Compiler, tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=r"no model file none\.tflite"):
        compiler.compile([tmp_path / "none.tflite"], tmp_path)


def test_what_is_no_model_is_refused_with_a_sentence(compiler: Compiler, tmp_path: Path) -> None:
    (tmp_path / "float.tflite").write_bytes(b"not a model")
    with pytest.raises(CompileFailed, match=r"\.$"):
        compiler.compile([tmp_path / "float.tflite"], tmp_path / "out", attempts=1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dynamic", "not fixed"),
        ("large", "activations do not fit"),
        ("float", "not quantized"),
        ("newer", "version 3 of RESIZE_BILINEAR"),
        ("gave_up", "too short"),
        ("half", "could not be understood"),
    ],
)
def test_every_recorded_refusal_becomes_a_sentence(
    standin: Compiler, tmp_path: Path, mobilenet: Path, name: str, words: str
) -> None:
    with pytest.raises(CompileFailed, match=words) as caught:
        standin.compile([named(tmp_path, mobilenet, name)], tmp_path / "out")
    assert caught.value.output


def test_a_breakdown_is_tried_three_times(standin: Compiler, tmp_path: Path, mobilenet: Path) -> None:
    with pytest.raises(CompilerCrashed, match="tried 3 times"):
        standin.compile([named(tmp_path, mobilenet, "broken")], tmp_path / "out")
    assert (tmp_path / "counter").read_text() == "3"


def test_a_model_that_fails_twice_and_then_compiles_is_compiled(
    standin: Compiler, tmp_path: Path, mobilenet: Path
) -> None:
    report = standin.compile([named(tmp_path, mobilenet, "flaky")], tmp_path / "out")
    assert report.succeeded
    assert report.attempts == 3


def test_a_refusal_is_not_tried_again(standin: Compiler, tmp_path: Path, mobilenet: Path) -> None:
    with pytest.raises(CompileFailed):
        standin.compile([named(tmp_path, mobilenet, "dynamic")], tmp_path / "out")
    assert (tmp_path / "counter").read_text() == "1"


def test_a_compiler_that_takes_too_long_is_ended(
    standin: Compiler, tmp_path: Path, mobilenet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgetpu.compiler._GRACE_S", 0)
    with pytest.raises(CompileTimeout, match="within 1 seconds"):
        standin.compile([named(tmp_path, mobilenet, "slow")], tmp_path / "out", timeout_s=1)


def test_a_compiler_that_is_killed_says_so(standin: Compiler, tmp_path: Path, mobilenet: Path) -> None:
    with pytest.raises(CompilerCrashed, match=r"SIGKILL.*too little memory"):
        standin.compile([named(tmp_path, mobilenet, "killed")], tmp_path / "out")


def test_success_without_a_file_is_no_success(standin: Compiler, tmp_path: Path, mobilenet: Path) -> None:
    with pytest.raises(CompileFailed, match="did not write"):
        standin.compile([named(tmp_path, mobilenet, "writes_nothing")], tmp_path / "out")


def test_a_compiler_that_cannot_be_started_is_busy_not_the_models_fault(tmp_path: Path, mobilenet: Path) -> None:
    (tmp_path / "edgetpu_compiler").write_text("no program")
    with pytest.raises(CompilerBusy, match="could not be started"):
        Compiler(tmp_path / "edgetpu_compiler", "16.0.384591198").compile([mobilenet], tmp_path)


def test_the_variable_comes_before_the_path(standin: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOLL_EDGETPU_COMPILER", str(standin.path))
    assert find_compiler() == standin


def test_where_there_is_none_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOLL_EDGETPU_COMPILER", "/nowhere/edgetpu_compiler")
    assert find_compiler() is None
    with pytest.raises(CompilerMissing, match="ATOLL_EDGETPU_COMPILER"):
        require_compiler()


def test_another_program_is_not_taken_for_the_compiler() -> None:
    with pytest.raises(CompilerMissing, match="is not Coral's"):
        ask_version(Path("/bin/true"))


def test_the_operation_that_breaks_the_compiler_is_found(standin: Compiler, tmp_path: Path, mobilenet: Path) -> None:
    """The stand-in breaks down on every part that holds the name of one layer."""
    name = read_graph(mobilenet).ops[6].name.encode()
    assert len(name) > len(POISON)
    content = mobilenet.read_bytes().replace(name, POISON + name[len(POISON) :])
    (tmp_path / "poisoned.tflite").write_bytes(content)
    found = find_culprit(standin, tmp_path / "poisoned.tflite")
    assert 6 in range(found.first, found.first + len(found.ops))
    assert len(found.ops) <= 2
    assert found.attempts < 16
    assert "CONV_2D" in found.sentence


@pytest.mark.parametrize(("first", "last"), [(0, 1), (3, 5), (9, 10), (0, 10)])
def test_the_smallest_failing_range_is_found(first: int, last: int) -> None:
    assert smallest_failure(10, lambda start, end: start <= first and end >= last) == (first, last)


def test_where_nothing_fails_there_is_no_culprit() -> None:
    assert smallest_failure(10, lambda start, end: False) is None


def test_a_part_of_a_model_is_a_model_that_runs(mobilenet: Path, tmp_path: Path) -> None:
    import numpy as np

    from edgetpu.runtime import run_on_cpu

    part = cut_out(mobilenet.read_bytes(), 2, 5)
    graph = read_graph(part)
    assert [op.kind for op in graph.ops] == ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"]
    (tmp_path / "part.tflite").write_bytes(part)
    shape = graph.tensors[graph.inputs[0]].shape
    outputs = run_on_cpu(tmp_path / "part.tflite", np.zeros((1, *shape[1:]), np.uint8))
    assert outputs.shape[0] == 1


def test_all_parts_after_one_another_give_the_whole_models_answer(mobilenet: Path, tmp_path: Path) -> None:
    import numpy as np

    from edgetpu.runtime import run_on_cpu, run_with_kernels

    image = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3)).astype(np.uint8)
    content, values = mobilenet.read_bytes(), image
    for first, last in ((0, 10), (10, 31)):
        part = tmp_path / f"{first}.tflite"
        part.write_bytes(cut_out(content, first, last))
        values = run_with_kernels(part, values).outputs[0]
    assert (values.reshape(1, -1) == run_on_cpu(mobilenet, image)).all()


@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 3), (0, 99), (-1, 2)])
def test_a_part_that_does_not_exist_is_refused(mobilenet: Path, first: int, last: int) -> None:
    with pytest.raises(BadModel, match="is no part of it"):
        cut_out(mobilenet.read_bytes(), first, last)


def test_the_compiler_does_not_see_the_sites_secrets(
    tmp_path: Path, mobilenet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOLL_SECRET_KEY", "hidden")
    program = tmp_path / "edgetpu_compiler"
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    with pytest.raises(CompileFailed) as caught:
        Compiler(program, "16.0.384591198").compile([mobilenet], tmp_path)
    assert "PATH=" in caught.value.output
    assert "hidden" not in caught.value.output
