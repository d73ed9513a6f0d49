"""Coral's compiler as it once answered: the driver is real, the executable replays what it printed and wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

NAME = "mobilenet_v1_0.25_128_quant"
STAND_IN = """#!/bin/sh
# Replays recorded output of edgetpu_compiler 16.0 and, where it succeeded, copies a file that Coral's compiler made.
[ "$1" = "--version" ] && { echo "Edge TPU Compiler version 16.0.384591198"; exit 0; }
for word; do [ "$previous" = "-o" ] && out="$word"; previous="$word"; done
name=$(basename "$previous" .tflite)
[ -n "@COMPILED@" ] && cp "@COMPILED@" "$out/${name}_edgetpu.tflite"
sed "s/quantized_model/$name/g" "@LOG@"
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(log: Path, compiled: Path | str = "") -> None:
        script = tmp_path / "edgetpu_compiler"
        script.write_text(STAND_IN.replace("@LOG@", str(log)).replace("@COMPILED@", str(compiled)))
        script.chmod(0o755)
        monkeypatch.setenv("ATOLL_EDGETPU_COMPILER", str(script))

    return use


@pytest.fixture
def source(shared_dir: Path) -> Path:
    """An int8 file of which Coral's compiler made `compiled`."""
    return shared_dir / f"data/edgetpu/compiled/source/{NAME}.tflite"


@pytest.fixture
def compiling(stand_in: Any, shared_dir: Path) -> Path:
    """A machine with the compiler; return the file that it makes of `source`."""
    made = shared_dir / f"data/edgetpu/compiled/2021-07/{NAME}_edgetpu.tflite"
    stand_in(shared_dir / "data/edgetpu/logs/out_v16_offchip_small_model.txt", made)
    return made


@pytest.fixture
def refusing(stand_in: Any, shared_dir: Path) -> None:
    """A machine whose compiler refuses what it is given."""
    stand_in(shared_dir / "data/edgetpu/logs/out_v16_fail_large_activation.txt")
