"""Read what edgetpu_compiler printed, versions 1.0 to 16.0, or its operation log.

Only lines that a real compiler prints are accepted: made-up logs exist in public, with units and words of their own,
and a log that was cut off would give wrong totals. Both are refused with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from edgetpu.compile_report import CompileReport, OperationLine
from edgetpu.errors import BadLog
from edgetpu.log_draft import LogDraft, ModelDraft
from edgetpu.rulebook import (
    BAD_RANK,
    BAD_STRIDES,
    BAD_TYPE,
    BAD_VERSION,
    MAPPED,
    NOT_CONSTANT,
    NOT_PRECISE,
    NOT_SUPPORTED,
    SECOND_PART,
    TWO_DIMENSIONS,
    UNSPECIFIED,
)
from edgetpu.web_compiler_log import is_web_log, read_web_log

STATUSES = (
    MAPPED,
    SECOND_PART,
    UNSPECIFIED,
    BAD_TYPE,
    NOT_SUPPORTED,
    BAD_VERSION,
    BAD_STRIDES,
    BAD_RANK,
    NOT_CONSTANT,
    NOT_PRECISE,
    TWO_DIMENSIONS,
)
MAX_LOG_CHARACTERS = 2_000_000

_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZES = {
    "Input size": "input_bytes",
    "Output size": "output_bytes",
    "On-chip memory available for caching model parameters": "available_bytes",
    "On-chip memory used for caching model parameters": "cached_bytes",
    "On-chip memory remaining for caching model parameters": "remaining_bytes",
    "Off-chip memory used for streaming uncached model parameters": "streamed_bytes",
}
_COUNTS = {
    "Number of Edge TPU subgraphs": "subgraphs",
    "Total number of operations": "operations_total",
    "Number of operations that will run on Edge TPU": "operations_on_chip",
    "Number of operations that will run on CPU": "operations_on_cpu",
}
_NAMES = {
    "Input": "input_model",
    "Output": "output_model",
    "Output model": "output_model",
    "Operation log": "operation_log",
}
_PARTLY_MAPPED = (
    "Model successfully compiled but not all operations are supported by the Edge TPU. A percentage of the model will "
    "instead run on the CPU, which is slower. If possible, consider updating your model to use only operations "
    "supported by the Edge TPU. For details, visit g.co/coral/model-reqs."
)
"""A paragraph that people's posts break into lines of their own."""
_SHORTEST_PIECE = 15
_SENTENCES = (
    "See the operation log file for individual operation details.",
    "Compilation child process completed within timeout period.",
    "Model compiled successfully in ",
    *_SIZES,
    *_COUNTS,
)
"""Beginnings of lines, to tell a line that was cut off from one that is made up."""
_Handler = Callable[[LogDraft, "re.Match[str]"], None]
_HANDLERS: list[tuple[re.Pattern[str], _Handler]] = []


def read_log(text: str) -> CompileReport:
    """Return what a compiler's output, or an operation log, says.

    A report of a refusal is a report too: look at `failures`.

    Raises:
        BadLog: if the text was cut off, or is not what a compiler prints.
    """
    if len(text) > MAX_LOG_CHARACTERS:
        raise BadLog("This is no compiler log: it is far longer than any.")
    if is_web_log(text):
        return read_web_log(text)
    draft = LogDraft()
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            _read_line(draft, number, line.strip())
    return draft.finished()


def read_log_file(path: Path) -> CompileReport:
    """Return what a log file says.

    Raises:
        BadLog: if it cannot be read, was cut off, or is not what a compiler prints.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LOG_CHARACTERS + 1)
    except OSError as error:
        raise BadLog(f"The log {path.name} cannot be read: {error.strerror or error}.") from error
    return read_log(content.decode("utf-8", "replace"))


def _read_line(draft: LogDraft, number: int, line: str) -> None:
    for pattern, handle in _HANDLERS:
        found = pattern.match(line)
        if found is not None:
            handle(draft, found)
            return
    if len(line) >= _SHORTEST_PIECE and line in _PARTLY_MAPPED:
        return
    if any(sentence.startswith(line) for sentence in _SENTENCES):
        raise BadLog(f"The log is cut off in line {number}: “{line[:80]}”.")
    raise BadLog(f"Line {number} is not one that the Edge TPU compiler prints: “{line[:80]}”.")


def _line(pattern: str) -> Callable[[_Handler], _Handler]:
    def register(handle: _Handler) -> _Handler:
        _HANDLERS.append((re.compile(pattern), handle))
        return handle

    return register


def _any_of(names: dict[str, str]) -> str:
    return "|".join(map(re.escape, names))


@_line(r"^Edge TPU Compiler version (.+)$")
def _version(draft: LogDraft, found: re.Match[str]) -> None:
    if re.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{9}", found[1]) is None:
        raise BadLog(f"There is no Edge TPU compiler {found[1]}: real versions look like 16.0.384591198.")
    if draft.version and draft.version != found[1]:
        raise BadLog("These are the logs of two different compilers.")
    draft.version = found[1]


@_line(r"^Started a compilation timeout timer of (\d+) seconds\.$")
def _timer(draft: LogDraft, found: re.Match[str]) -> None:
    draft.timer_s, draft.running = int(found[1]), True


@_line(r"^(Models?) compiled successfully in (\d+) ms[.!]?$")
def _success(draft: LogDraft, found: re.Match[str]) -> None:
    draft.several = draft.several or found[1] == "Models"
    draft.duration_ms = (draft.duration_ms or 0) + int(found[2])
    draft.promised = True


@_line(r"^Input model: (.+)$")
def _model(draft: LogDraft, found: re.Match[str]) -> None:
    draft.models.append(ModelDraft({"input_model": found[1]}))
    draft.promised = False


@_line(r"^Input: (.+)$")
def _logged_model(draft: LogDraft, found: re.Match[str]) -> None:
    draft.kind = "operation log"
    draft.models.append(ModelDraft({"input_model": found[1]}))


@_line(rf"^({_any_of(_NAMES)}): (.+)$")
def _name(draft: LogDraft, found: re.Match[str]) -> None:
    draft.model.fields[_NAMES[found[1]]] = found[2]


@_line(rf"^({_any_of(_SIZES)}): (.+)$")
def _size(draft: LogDraft, found: re.Match[str]) -> None:
    amount = re.fullmatch(r"(\d+\.\d\d)(B|KiB|MiB|GiB)", found[2])
    if amount is None:
        raise BadLog(f"“{found[2]}” is not how the compiler writes a size: it prints KiB and MiB with two decimals.")
    draft.model.numbers[_SIZES[found[1]]] = round(float(amount[1]) * _UNITS[amount[2]])


@_line(rf"^({_any_of(_COUNTS)}): (.+)$")
def _count(draft: LogDraft, found: re.Match[str]) -> None:
    if re.fullmatch(r"\d{1,7}", found[2]) is None:
        raise BadLog(f"“{found[2]}” is not how the compiler writes a number of operations.")
    draft.model.numbers[_COUNTS[found[1]]] = int(found[2])


@_line(r"^Operator +Count +Status$")
def _table(draft: LogDraft, found: re.Match[str]) -> None:
    draft.model.table = True


@_line(r"^([A-Z][A-Z0-9_]*) +(\d{1,7}) +(\S.*)$")
def _row(draft: LogDraft, found: re.Match[str]) -> None:
    if not draft.models or not draft.model.table:
        raise BadLog("This is no whole compiler log: rows of a table come before its head.")
    if found[3] not in STATUSES:
        cut = any(status.startswith(found[3]) for status in STATUSES)
        reason = "is cut off" if cut else "is none that the compiler prints"
        raise BadLog(f"The status “{found[3][:80]}” of {found[1]} {reason}.")
    draft.model.rows.append(OperationLine(found[1], int(found[2]), found[3]))


@_line(r"^See the operation log file for individual operation details\.$")
def _see_log(draft: LogDraft, found: re.Match[str]) -> None:
    draft.model.ended = True


@_line(r"^INFO: (Initialized TensorFlow Lite runtime|Created TensorFlow Lite .*)\.$")
@_line(r"^Compilation child process completed within timeout period\.$")
@_line(r"^An older version of this builtin might be supported\..*$")
def _nothing_new(draft: LogDraft, found: re.Match[str]) -> None:
    """A line that adds nothing to what others say."""


@_line(r"^Compilation (succeeded|failed)!$")
def _conclusion(draft: LogDraft, found: re.Match[str]) -> None:
    draft.conclude(succeeded=found[1] == "succeeded")


@_line(r"^Searching for valid delegate with step \d+$")
def _search(draft: LogDraft, found: re.Match[str]) -> None:
    draft.next_search()


@_line(r"^Try to compile segment with (\d+) ops$")
def _attempt(draft: LogDraft, found: re.Match[str]) -> None:
    draft.segments_tried.append(int(found[1]))
    draft.running = True


@_line(r"^Intermediate tensors: (.+)$")
def _intermediates(draft: LogDraft, found: re.Match[str]) -> None:
    draft.intermediate_tensors = tuple(found[1].split(","))


@_line(
    r"^(ERROR: .+|Compilation failed: .+|Internal compiler error\. Aborting!|Invalid model: .+|Model not quantized)$"
)
@_line(r"^(libc\+\+abi: terminating .+|\S*edgetpu_compiler: line \d+: +\d+ (?:Segmentation fault|Aborted|Killed) .*)$")
def _error(draft: LogDraft, found: re.Match[str]) -> None:
    draft.errors.append(found[1])
