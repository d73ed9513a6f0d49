from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from edgetpu.attached import AttachedDevice, installed_clock, list_devices
from edgetpu.device_errors import explain_device_error
from edgetpu.errors import (
    BadModel,
    DeviceBusy,
    DeviceError,
    DeviceForbidden,
    DeviceLost,
    DeviceMissing,
    RunFailed,
    RuntimeMissing,
)
from edgetpu.measurement import compare_outputs, summarize
from edgetpu.measuring import measure_and_compare
from edgetpu.runtime import bit_match, measure, run_on_cpu, run_with_kernels

STICK = AttachedDevice("usb3", Path("/dev/bus/usb/002/003"), accessible=True, name="usb:0")
LOCKED = AttachedDevice("pcie", Path("/dev/apex_0"), accessible=False, name="pci:0")


def images(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 128, 128, 3)).astype(np.uint8)


def test_a_model_runs_on_the_cpu_with_pinned_kernels(mobilenet: Path) -> None:
    first = run_on_cpu(mobilenet, images())
    assert first.shape == (2, 1001)
    assert first.dtype == np.uint8
    assert (first == run_on_cpu(mobilenet, images())).all()


def test_the_kernels_are_named_and_every_image_is_timed(mobilenet: Path) -> None:
    run = run_with_kernels(mobilenet, images(3), kernels="optimized")
    assert run.kernels == "optimized"
    assert len(run.times_ms) == 3
    assert min(run.times_ms) > 0


def test_no_images_give_no_answers(mobilenet: Path) -> None:
    assert run_on_cpu(mobilenet, images(0)).shape[0] == 0


def test_images_of_another_size_or_type_are_refused(mobilenet: Path) -> None:
    with pytest.raises(RunFailed, match="128×128×3 of uint8, not 100×128×3 of uint8"):
        run_on_cpu(mobilenet, images()[:, :100])
    with pytest.raises(RunFailed, match="not 128×128×3 of int8"):
        run_on_cpu(mobilenet, images().astype(np.int8))


def test_a_compiled_model_does_not_run_on_the_cpu(compiled_models: tuple[Path, ...]) -> None:
    with pytest.raises(RunFailed, match="edgetpu-custom-op"):
        run_on_cpu(next(path for path in compiled_models if "0.25_128_quant_edgetpu" in path.name), images())


def test_a_damaged_model_is_refused_by_the_interpreter_not_by_a_crash_of_ours(tmp_path: Path, mobilenet: Path) -> None:
    (tmp_path / "bad.tflite").write_bytes(mobilenet.read_bytes()[:100_000])
    with pytest.raises(RunFailed, match=r"\.$"):
        run_on_cpu(tmp_path / "bad.tflite", images())


def test_a_model_that_takes_too_long_is_ended(mobilenet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgetpu.runtime._START_S", 0.0)
    with pytest.raises(RunFailed, match="no answer within 0 seconds"):
        run_on_cpu(mobilenet, images(50), timeout_s=0.01)


def a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    """Put another program in the place of the one that speaks to the chip."""
    program = tmp_path / "program.py"
    program.write_text("import os, sys, json, signal\n" + lines)
    monkeypatch.setattr("edgetpu.runtime._PROGRAM", (sys.executable, str(program)))


def test_an_interpreter_that_aborts_on_the_reference_kernels_is_run_with_the_optimized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mobilenet: Path
) -> None:
    a_program(
        tmp_path,
        monkeypatch,
        "import numpy as np\n"
        "if json.load(open(sys.argv[1]))['kernels'] == 'reference': os.abort()\n"
        "np.savez(sys.argv[3], np.zeros((2, 5)))\n"
        "print(json.dumps({'times_ms': [1.0, 1.0]}))\n",
    )
    assert run_with_kernels(mobilenet, images()).kernels == "optimized"


def test_a_program_that_says_nothing_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mobilenet: Path
) -> None:
    a_program(tmp_path, monkeypatch, "sys.exit(0)\n")
    with pytest.raises(RunFailed, match="no answer"):
        run_on_cpu(mobilenet, images())


def test_a_device_that_is_unplugged_in_the_middle_of_a_run_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled_models: tuple[Path, ...]
) -> None:
    """The driver aborts the process then; these are its words."""
    words = "F driver/usb/usb_driver.cc:857] transfer on tag 1 failed. Abort. Deadline exceeded: USB transfer error 2"
    a_program(tmp_path, monkeypatch, f"sys.stderr.write({words!r})\nsys.stderr.flush()\nos.abort()\n")
    with pytest.raises(DeviceLost, match="plug it in again"):
        measure(compiled_models[0])


def test_the_protocol_is_one_warm_up_a_rest_and_250_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled_models: tuple[Path, ...]
) -> None:
    a_program(
        tmp_path,
        monkeypatch,
        "request = json.load(open(sys.argv[1]))\n"
        "assert (request['warm_up'], request['rest_s'], request['runs']) == (1, 1.0, 250)\n"
        "times = [2.0] * 125 + [4.0] * 125\n"
        "print(json.dumps({'times_ms': times, 'software': 'LiteRT', 'runtime_version': 'BuildLabel(x)'}))\n",
    )
    found = measure(compiled_models[0])
    assert (found.runs, found.mean_ms, found.std_ms, found.origin) == (250, 3.0, 1.0, "measured")
    assert found.fps == pytest.approx(1000 / 3)
    assert found.software == "LiteRT"


def test_without_libedgetpu_the_runtime_is_missing(compiled_models: tuple[Path, ...]) -> None:
    with pytest.raises(RuntimeMissing, match="libedgetpu1-std"):
        measure(compiled_models[0], library="libedgetpu_that_is_nowhere.so.1")


def test_the_first_device_is_measured_where_one_is_attached_else_the_error_says_what_is_missing(
    compiled_models: tuple[Path, ...],
) -> None:
    if list_devices():
        pytest.skip("there is an Edge TPU here: see the tests marked device")
    with pytest.raises((RuntimeMissing, DeviceMissing)):
        measure_and_compare(compiled_models[0], None, device=None, runs=1, images=1)
    with pytest.raises(DeviceMissing, match="no Edge TPU usb:7"):
        measure_and_compare(compiled_models[0], None, device="usb:7", runs=1, images=1)


FAILED = "Failed to load delegate from libedgetpu.so.1"


@pytest.mark.parametrize(
    ("kind", "text", "stage", "devices", "expected"),
    [
        ("OSError", "libedgetpu.so.1: cannot open shared object file", "delegate", [], RuntimeMissing),
        ("ModuleNotFoundError", "No module named 'ai_edge_litert'", "import", [STICK], RuntimeMissing),
        ("ValueError", FAILED, "delegate", [], DeviceMissing),
        ("ValueError", FAILED, "delegate", [LOCKED], DeviceForbidden),
        ("ValueError", FAILED, "delegate", [LOCKED, STICK], DeviceBusy),
        ("ValueError", FAILED, "delegate", [STICK], DeviceBusy),
        ("RuntimeError", "No such device", "run", [], DeviceLost),
        ("RuntimeError", "USB transfer error 2", "run", [STICK], DeviceLost),
        ("ValueError", "it takes 1×1×1 of uint8", "input", [STICK], RunFailed),
        ("RuntimeError", "Encountered unresolved custom op", "open", [STICK], RunFailed),
    ],
)
def test_each_way_in_which_a_device_fails_has_its_own_error(
    kind: str, text: str, stage: str, devices: list[AttachedDevice], expected: type[Exception]
) -> None:
    error = explain_device_error(kind, text, stage, devices)
    assert type(error) is expected
    assert isinstance(error, (DeviceError, RunFailed))
    assert "." in str(error)


def a_machine(root: Path) -> Path:
    """Write what Linux shows of a USB Accelerator on USB 3, another device, and a PCIe card."""
    for name, product in (("2-1", "9302"), ("1-4", "ffff")):
        folder = root / "sys/bus/usb/devices" / name
        folder.mkdir(parents=True)
        for file, text in (
            ("idVendor", "18d1"),
            ("idProduct", product),
            ("speed", "5000"),
            ("busnum", "2"),
            ("devnum", "3"),
        ):
            (folder / file).write_text(text + "\n")
    (root / "dev/bus/usb/002").mkdir(parents=True)
    (root / "dev/bus/usb/002/003").write_text("")
    (root / "dev/apex_0").write_text("")
    return root


def test_attached_devices_are_listed_with_their_link(tmp_path: Path) -> None:
    card, stick = list_devices(a_machine(tmp_path))
    assert (card.link, card.name) == ("pcie", "pci:0")
    assert (stick.link, stick.name, stick.accessible) == ("usb3", "usb:0", True)
    assert stick.path == tmp_path / "dev/bus/usb/002/003"


def test_a_machine_without_any_lists_none(tmp_path: Path) -> None:
    assert list_devices(tmp_path) == ()


def test_the_installed_clock_is_read_from_the_package_list(tmp_path: Path) -> None:
    assert installed_clock(tmp_path) is None
    (tmp_path / "var/lib/dpkg/info").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/info/libedgetpu1-std:amd64.list").write_text("")
    assert installed_clock(tmp_path) == "std"


def test_outputs_are_compared_value_by_value_and_by_best_class() -> None:
    first = np.array([[1, 2, 9], [7, 2, 3]], np.int8)
    second = np.array([[1, 2, 8], [7, 2, 9]], np.int8)
    found = compare_outputs(first, second)
    assert (found.images, found.max_difference, found.top1_agreement) == (2, 6.0, 0.5)
    assert found.equal_share == pytest.approx(4 / 6)
    assert compare_outputs(first, first).equal_share == 1.0


def test_differences_of_unsigned_bytes_do_not_wrap_around() -> None:
    assert compare_outputs(np.array([[0]], np.uint8), np.array([[255]], np.uint8)).max_difference == 255


def test_a_series_is_summed_up_in_quantiles() -> None:
    found = summarize([1.0, 2.0, 3.0, 4.0], host="here", link="usb3", clock="max")
    assert (found.p50_ms, found.mean_ms, found.runs) == (2.5, 2.5, 4)
    assert found.p95_ms == pytest.approx(3.85)


def test_what_is_no_model_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(BadModel):
        measure(tmp_path / "none.tflite")


@pytest.mark.device
def test_a_real_edge_tpu_answers_like_the_cpu(pairs: tuple[tuple[Path, Path], ...]) -> None:
    if not list_devices():
        pytest.skip("no Edge TPU is attached")
    compiled, source = next(pair for pair in pairs if "0.25_128" in pair[0].name)
    measurement = measure(compiled)
    assert measurement.runs == 250
    assert bit_match(source, compiled, images(10)).top1_agreement > 0.9
