"""Real files that tests read where they are present; they are never part of the project."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("ATOLL_SHARED_DIR", ROOT.parent / "shared"))
DATA = SHARED / "data" / "edgetpu"


def _folder(path: Path) -> Path:
    if not path.is_dir():
        pytest.skip(f"{path} is missing: real data is not part of the project (set ATOLL_SHARED_DIR)")
    return path


@pytest.fixture(scope="session")
def compiled_folder() -> Path:
    return _folder(DATA / "compiled")


@pytest.fixture(scope="session")
def logs_folder() -> Path:
    return _folder(DATA / "logs")


@pytest.fixture(scope="session")
def latency_folder() -> Path:
    return _folder(DATA / "latency")


@pytest.fixture(scope="session")
def source_models(compiled_folder: Path) -> tuple[Path, ...]:
    return tuple(sorted((compiled_folder / "source").glob("*.tflite")))


@pytest.fixture(scope="session")
def compiled_models(compiled_folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in compiled_folder.glob("20*/*.tflite")))


@pytest.fixture(scope="session")
def pairs(source_models: tuple[Path, ...], compiled_models: tuple[Path, ...]) -> tuple[tuple[Path, Path], ...]:
    """Every compiled model with the source it was made from, where that is here."""
    return tuple(
        (compiled, source)
        for compiled in compiled_models
        for source in source_models
        if compiled.name.startswith((source.stem + "_edgetpu", source.stem + "_cocompiled"))
    )


@pytest.fixture(scope="session")
def log_index(logs_folder: Path) -> tuple[dict[str, str], ...]:
    with (logs_folder / "INDEX.csv").open(newline="") as file:
        return tuple(dict(row) for row in csv.DictReader(file))


@pytest.fixture
def mobilenet(source_models: tuple[Path, ...]) -> Path:
    return next(path for path in source_models if path.name == "mobilenet_v1_0.25_128_quant.tflite")
