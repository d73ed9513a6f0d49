"""A stand-in for Coral's edgetpu_compiler: it replays what the real one printed, chosen by the model's file name.

The recorded texts are real; only file names in them are replaced. Where the real compiler wrote a model, the stand-in
copies a real compiled one.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

LOGS, COMPILED, COUNTER = (Path(word) for word in (*sys.argv[1:4], "", "", "")[:3])
"""The recorded logs, the recorded models, and where to count the runs: the first three words of the command line."""
VERSION = "Edge TPU Compiler version 16.0.384591198\n"
SUCCESS, SUCCESS_NAME = "out_v16_offchip_small_model.txt", "quantized_model"
REFUSALS = {
    "dynamic": "out_v16_fail_dynamic_shape.txt",
    "large": "out_v16_fail_large_activation.txt",
    "float": "out_v14_fail_not_quantized.txt",
    "newer": "out_v2_fail_op_version.txt",
    "gave_up": "out_v16_fail_timeout5.txt",
    "broken": "out_v15_fail_internal.txt",
    "half": "part_v15_m11_0subgraphs.txt",
}
POISON = b"poisoned"
"""The compiler breaks down on every model with this name in it."""


def main(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        sys.stdout.write(VERSION)
        return 0
    COUNTER.write_text(str(int(COUNTER.read_text() or 0) + 1) if COUNTER.exists() else "1")
    folder = Path(arguments[arguments.index("-o") + 1])
    models = [Path(word) for word in arguments if word.endswith(".tflite")]
    if len(models) > 1:
        return together(models, folder)
    return alone(models[0], folder)


def alone(model: Path, folder: Path) -> int:
    stem = model.stem
    if stem == "slow":
        time.sleep(30)
    if stem == "killed":
        os.kill(os.getpid(), 9)
    if stem == "flaky" and int(COUNTER.read_text()) < 3:
        stem = "broken"
    if POISON in model.read_bytes():
        stem = "broken"
    if stem in REFUSALS:
        sys.stdout.write(LOGS.joinpath(REFUSALS[stem]).read_text())
        return 1
    if stem != "writes_nothing":
        write(model, folder)
    text = LOGS.joinpath(SUCCESS).read_text()
    sys.stdout.write(text.replace(SUCCESS_NAME, model.stem))
    return 0


def together(models: list[Path], folder: Path) -> int:
    text = LOGS.joinpath("out_v15_cocompile_cnn_rnn.txt").read_text().rstrip()
    for model, recorded in zip(models, ("cnn", "rnn"), strict=False):
        write(model, folder)
        text = text.replace(f"{recorded}.tflite", f"{model.stem}.tflite").replace(
            f"{recorded}_edgetpu", f"{model.stem}_edgetpu"
        )
    sys.stdout.write(text + " for individual operation details.\n")
    return 0


def write(model: Path, folder: Path) -> None:
    recorded = COMPILED / "2021-07" / f"{model.stem}_edgetpu.tflite"
    if not recorded.exists():
        recorded = COMPILED / "2021-07/mobilenet_v1_0.25_128_quant_edgetpu.tflite"
    (folder / f"{model.stem}_edgetpu.tflite").write_bytes(recorded.read_bytes())


if __name__ == "__main__":
    sys.exit(main(sys.argv[4:]))
