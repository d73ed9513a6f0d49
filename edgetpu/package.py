"""Read a compiled model, and validate it against the model that it was made from."""

from __future__ import annotations

from pathlib import Path

from edgetpu.checks import Finding, check_alone, check_pair
from edgetpu.compiled_file import CompiledFile, CustomOperation, groups_of, is_compiled, read_compiled, same_group
from edgetpu.executable import ChipPackage, Executable, ExecutableKind, Region
from edgetpu.tflite import read_graph

__all__ = [
    "ChipPackage",
    "CompiledFile",
    "CustomOperation",
    "Executable",
    "ExecutableKind",
    "Finding",
    "Region",
    "check_alone",
    "groups_of",
    "is_compiled",
    "read_compiled",
    "same_group",
    "validate",
]


def validate(compiled: Path, source: Path) -> tuple[Finding, ...]:
    """Return the outcome of every check of a compiled model against its source.

    Raises:
        BadModel: if either file cannot be read, or the first was not compiled.
    """
    return check_pair(read_compiled(compiled), read_graph(source))
