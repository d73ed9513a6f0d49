from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from command import main

ROOT = Path(__file__).resolve().parents[2]


def answer(capsys: pytest.CaptureFixture[str], *words: str | Path, status: int = 0) -> dict[str, object]:
    assert main([str(word) for word in words]) == status
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_inspect_prints_one_object_about_a_source(capsys: pytest.CaptureFixture[str], mobilenet: Path) -> None:
    found = answer(capsys, "inspect", mobilenet, "--json", "--device", "usb3")
    assert found["parameter_bytes"] == found["cached_bytes"] == 566_912
    assert found["streamed_bytes"] == 0
    assert {
        "name": "CONV_2D",
        "count": 15,
        "mapped": True,
        "reason": "",
        "compiler_status": "Mapped to Edge TPU",
    } in found["ops"]  # type: ignore[operator]
    latency = found["latency_ms"]
    assert isinstance(latency, dict)
    assert latency["low"] < latency["estimate"] < latency["high"]
    assert (latency["device"], latency["origin"]) == ("usb3", "estimated")
    assert [one["shape"] for one in found["inputs"]] == [[1, 128, 128, 3]]  # type: ignore[attr-defined]
    assert len(found["outputs"]) == 1  # type: ignore[arg-type]
    assert "executables" not in found


def test_inspect_reads_a_compiled_file(capsys: pytest.CaptureFixture[str], compiled_folder: Path) -> None:
    path = compiled_folder / "2021-07/mobilenet_v1_0.25_128_quant_edgetpu.tflite"
    found = answer(capsys, "inspect", path, "--json")
    assert found["token"] == "0x6d146c3f97d6648c"
    assert found["min_runtime"] == 12
    assert found["cached_bytes"] == 566_912
    assert {one["kind"] for one in found["executables"]} == {"EXECUTION_ONLY", "PARAMETER_CACHING"}  # type: ignore[attr-defined]
    assert all(finding["level"] == "ok" for finding in found["findings"])  # type: ignore[attr-defined]
    assert found["latency_ms"] is None


def test_inspect_with_the_source_places_layers_as_the_file_does(
    capsys: pytest.CaptureFixture[str], compiled_folder: Path
) -> None:
    (path,) = (compiled_folder / "2020-11").glob("*.tflite")
    source = compiled_folder / "source/mobilenet_v2_1.0_224_quant.tflite"
    found = answer(capsys, "inspect", path, "--source", source, "--json")
    assert found["streamed_bytes"] == 1_051_840
    assert found["latency_ms"]["limited_by"] == "streaming"  # type: ignore[index]
    assert {layer["placement"] for layer in found["layers"]} == {"cached", "streamed"}  # type: ignore[attr-defined]


def test_tables_are_for_people(capsys: pytest.CaptureFixture[str], compiled_folder: Path) -> None:
    source = compiled_folder / "source/deeplabv3_mnv2_dm05_pascal_quant.tflite"
    assert main(["inspect", str(source)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "766,720 B" in printed
    assert "estimated for Coral Dev Board (PCIe)" in printed
    assert "33-fold" in printed


def test_the_report_is_one_file_without_anything_from_elsewhere(tmp_path: Path, mobilenet: Path) -> None:
    assert main(["inspect", str(mobilenet), "--html", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "Memory for parameters" in page
    assert "Time per layer" in page
    assert not re.search(r"(src|href)=|url\(|<script", page)


def test_names_in_a_model_cannot_put_markup_into_the_report(tmp_path: Path, mobilenet: Path) -> None:
    evil = tmp_path / "<b>evil.tflite"
    evil.write_bytes(mobilenet.read_bytes().replace(b"MobilenetV1/Logits", b"<script>alert(1)//"))
    assert main(["inspect", str(evil), "--html", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "<script" not in page
    assert "<b>evil" not in page


def test_memory_says_who_gets_what_and_in_which_order(
    capsys: pytest.CaptureFixture[str], source_models: tuple[Path, ...]
) -> None:
    models = [path for path in source_models if path.name.startswith("mobilenet_v1")]
    found = answer(capsys, "memory", *models, "--json")
    assert found["advice"].startswith("Compile them together in the order")  # type: ignore[attr-defined]
    assert main(["memory", *map(str, models)]) == 0
    assert "Kept on the chip" in " ".join(capsys.readouterr().out.split())


def test_memory_of_compiled_models_says_which_belong_together(
    capsys: pytest.CaptureFixture[str], compiled_folder: Path
) -> None:
    models = sorted((compiled_folder / "2021-07").glob("mobilenet_v1_0*"))
    found = answer(capsys, "memory", *models, "--json")
    assert sorted(len(group) for group in found["groups"]) == [1, 1, 2]  # type: ignore[attr-defined]
    assert main(["memory", *map(str, models)]) == 0
    assert "Already compiled" in capsys.readouterr().out


def test_validate_answers_with_its_status(
    capsys: pytest.CaptureFixture[str], compiled_folder: Path, mobilenet: Path
) -> None:
    compiled = compiled_folder / "2021-07/mobilenet_v1_0.25_128_quant_edgetpu.tflite"
    assert answer(capsys, "validate", compiled, mobilenet, "--json")["valid"] is True
    other = compiled_folder / "source/mobilenet_v1_0.5_160_quant.tflite"
    assert answer(capsys, "validate", compiled, other, "--json", status=1)["valid"] is False
    assert main(["validate", str(compiled), str(other)]) == 1
    assert "error" in capsys.readouterr().out


def test_log_prints_what_the_compiler_said(capsys: pytest.CaptureFixture[str], logs_folder: Path) -> None:
    found = answer(capsys, "log", logs_folder / "out_v16_effdet_num_segments1.txt", "--json")
    assert found["compiler_version"] == "16.0.384591198"
    assert found["models"][0]["operations_on_cpu"] == 3  # type: ignore[index]
    assert main(["log", str(logs_folder / "out_v16_fail_dynamic_shape.txt")]) == 0
    assert "not fixed" in " ".join(capsys.readouterr().out.split())


def test_what_cannot_be_done_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"nothing")
    assert main(["inspect", str(tmp_path / "bad.tflite")]) == 1
    assert capsys.readouterr().err.startswith("atoll: This is not a TensorFlow Lite model")
    assert main(["inspect", str(tmp_path / "bad.tflite"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["kind"] == "BadModel"


def test_an_unknown_device_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str], mobilenet: Path) -> None:
    assert main(["inspect", str(mobilenet), "--device", "abacus"]) == 1
    assert "devboard" in capsys.readouterr().err


def test_compile_without_a_compiler_says_how_to_get_one(
    capsys: pytest.CaptureFixture[str], mobilenet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOLL_EDGETPU_COMPILER", "/nowhere")
    assert main(["compile", str(mobilenet)]) == 1
    assert "Debian repository" in capsys.readouterr().err


def test_measure_without_a_device_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], compiled_models: tuple[Path, ...]
) -> None:
    assert main(["measure", str(compiled_models[0]), "--device", "usb:9"]) == 1
    assert "no Edge TPU usb:9" in capsys.readouterr().err


def test_calibrate_reads_a_table(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, source_models: tuple[Path, ...]
) -> None:
    rows = [f"{path},{2 + number}" for number, path in enumerate(source_models[:4])]
    (tmp_path / "table.csv").write_text("\n".join(["model,latency_ms", *rows]) + "\n")
    found = answer(capsys, "calibrate", tmp_path / "table.csv", "--json")
    assert found["observations"] == 4
    assert main(["calibrate", str(tmp_path / "table.csv")]) == 0
    assert "Median error now" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["inspect", "MODEL", "--json"], ["--help"], ["search", "--help"]], ids=" ".join)
def test_starting_loads_neither_tensorflow_nor_the_interpreter(words: list[str], mobilenet: Path) -> None:
    code = (
        "import contextlib, sys; from command import main\n"
        "with contextlib.suppress(SystemExit): main(sys.argv[1:])\n"
        "heavy = {'tensorflow', 'keras', 'ai_edge_litert', 'django', 'scipy', 'tflite'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    given = [str(mobilenet) if word == "MODEL" else word for word in words]
    subprocess.run([sys.executable, "-c", code, *given], cwd=ROOT, check=True, capture_output=True, timeout=60)
