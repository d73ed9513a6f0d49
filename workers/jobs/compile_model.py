"""Compile int8 files with Coral's compiler, and check that what it made belongs to its source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgetpu.compiler import Compiler, CompileReport, require_compiler
from edgetpu.errors import CompileFailed
from edgetpu.package import Finding, validate
from models.metadata import copy_description
from workers.job_process import Report

COMPILED_NAMES = {"model_int8.tflite": "model_edgetpu.tflite", "model_uint8.tflite": "model_uint8_edgetpu.tflite"}
"""Under which name the compiled form of each file is kept."""


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return the compiler's report in words and figures, and the files it made.

    Raises:
        CompileFailed: if the compiler refuses a file, or makes one that does not belong to its source.
    """
    compiler, out_dir = require_compiler(), Path(job["out_dir"])
    files: dict[str, str] = {}
    reports: dict[str, CompileReport] = {}
    for name, path in job["models"].items():
        report({"phase": f"Compiling {name}"})
        reports[name] = compiler.compile([Path(path)], out_dir)
        compiled = _checked(out_dir, Path(path))
        copy_description(Path(path), compiled)  # the compiler leaves labels and normalization behind
        files[COMPILED_NAMES[name]] = str(compiled)
    said = reports["model_int8.tflite"]
    return {
        "files": files,
        "state": "compiled",
        "compiler_version": compiler.version,
        "sentence": _in_words(compiler, said),
        "fully_mapped": said.models[0].fully_mapped,
        "report": {name: value for name, value in said.as_json().items() if name != "files"},
    }


def _checked(out_dir: Path, source: Path) -> Path:
    """Return the compiled form of a source, once it is sure that the two belong together."""
    compiled = out_dir / f"{source.stem}_edgetpu.tflite"
    errors = list(_errors(validate(compiled, source)))
    if errors:
        raise CompileFailed(f"The compiled file does not match its source and was dropped: {errors[0]}", "")
    return compiled


def _errors(findings: Iterable[Finding]) -> Iterable[str]:
    return (finding.sentence for finding in findings if finding.level == "error")


def _in_words(compiler: Compiler, said: CompileReport) -> str:
    model = said.models[0]
    where = "every operation runs on the Edge TPU" if model.fully_mapped else "some operations run on the CPU"
    return f"Compiled with edgetpu_compiler {compiler.version}: {where}."
