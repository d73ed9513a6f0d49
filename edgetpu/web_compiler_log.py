"""Read the log of Coral's web compiler of 2019 (version 0.14), which had a form of its own."""

from __future__ import annotations

import re

from edgetpu.compile_report import CompiledModel, CompileReport, OperationLine
from edgetpu.errors import BadLog

_VERSION = re.compile(r"^Compiler Version: (0\.\d+\.\d+)$")
_SIZE = re.compile(r"^Output Model Size: (\d+\.\d+)(B|KB|MB)$")
_TOTAL = re.compile(r"^Total no\. of operations: (\d+)$")
_SHARE = re.compile(r"^No\. of operations that will run on (Edge TPU|CPU): (\d+) \(\d+%\)$")
_ROW = re.compile(r"^kTfLiteBuiltin(\w+) +([A-Z_]+) +(\d+)$")
_DECORATION = re.compile(
    r"^(Consolidated Operation Log:|-+|Operation type +Compilation status +No\. of occurrences|-+ +-+ +-+)$"
)
_UNITS = {"B": 1, "KB": 1000, "MB": 1_000_000}
_MAPPED = "SUCCEEDED"


def is_web_log(text: str) -> bool:
    """Whether a text begins as the web compiler's logs do."""
    return _VERSION.match(text.lstrip().partition("\n")[0].strip()) is not None


def read_web_log(text: str) -> CompileReport:
    """Return what a web compiler's log says.

    Raises:
        BadLog: if it was cut off or has lines that the web compiler did not print.
    """
    found: dict[str, str] = {}
    rows: list[OperationLine] = []
    for number, line in enumerate((one.strip() for one in text.splitlines()), 1):
        if line and not _DECORATION.match(line):
            _read_line(number, line, found, rows)
    return _report(found, tuple(rows))


def _read_line(number: int, line: str, found: dict[str, str], rows: list[OperationLine]) -> None:
    if row := _ROW.match(line):
        status = "Mapped to Edge TPU" if row[2] == _MAPPED else row[2]
        rows.append(OperationLine(_kind(row[1]), int(row[3]), status))
    elif size := _SIZE.match(line):
        found["bytes"] = str(round(float(size[1]) * _UNITS[size[2]]))
    elif share := _SHARE.match(line):
        found[share[1]] = share[2]
    elif total := _TOTAL.match(line):
        found["total"] = total[1]
    elif version := _VERSION.match(line):
        found["version"] = version[1]
    else:
        raise BadLog(f"Line {number} is not one that Coral's web compiler printed: “{line[:80]}”.")


def _kind(name: str) -> str:
    """Return the schema's name of an operation: DepthwiseConv2d → DEPTHWISE_CONV_2D."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=\d)", "_", name)
    return words.upper()


def _report(found: dict[str, str], rows: tuple[OperationLine, ...]) -> CompileReport:
    missing = {"bytes", "total", "Edge TPU", "CPU"} - found.keys()
    if missing or sum(row.count for row in rows) != int(found["total"]):
        raise BadLog("This log of the web compiler is cut off: its table does not hold all operations.")
    model = CompiledModel(
        input_model="",
        output_model="",
        operations=rows,
        output_bytes=int(found["bytes"]),
        operations_total=int(found["total"]),
        operations_on_chip=int(found["Edge TPU"]),
        operations_on_cpu=int(found["CPU"]),
    )
    return CompileReport(found["version"], "web compiler", (model,))
