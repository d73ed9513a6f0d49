"""Drive Coral's edgetpu_compiler: find it, run it with a limit, turn what happens into a report or a sentence."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgetpu.compile_report import CompiledModel, CompileReport, Failure, OperationLine
from edgetpu.compiler_log import read_log
from edgetpu.errors import (
    BadLog,
    BadModel,
    CompileFailed,
    CompilerBusy,
    CompilerCrashed,
    CompilerMissing,
    CompileTimeout,
)
from edgetpu.failures import BREAKDOWNS
from edgetpu.surroundings import plain_environment

__all__ = [
    "CompileOptions",
    "CompileReport",
    "CompiledModel",
    "Compiler",
    "Failure",
    "OperationLine",
    "find_compiler",
    "read_log",
    "require_compiler",
]

VARIABLE = "ATOLL_EDGETPU_COMPILER"
DEFAULT_TIMEOUT_S = 180
"""The compiler's own limit since version 16."""
_GRACE_S = 20
"""What the process gets beyond the limit that it keeps itself."""
_VERSION_S = 30
_ATTEMPTS = 3
"""The same file has been seen to fail twice and then compile."""
_PASSING_WORDS = ("Internal compiler error", "Segmentation fault", "libc++abi: terminating")
_MEMORY_BYTES = 8 * 2**30
_OUTPUT_CHARACTERS = 1_000_000
_FIRST_WITH_TIMER = 16
_NOTHING_MAPPED = (
    "The compiler ran, but put nothing on the chip. Look at why the first operation is not mapped: most often the "
    "model is not fully quantized, or the oldest runtime asked for is too old."
)
INSTALL = (
    "There is no edgetpu_compiler on this machine. It exists for x86-64 Linux only: install it from Coral's Debian "
    f"repository (coral.ai/docs/edgetpu/compiler), or set {VARIABLE} to where it lies."
)


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """What to ask of the compiler; the defaults are its own."""

    min_runtime: int | None = None
    segments: int | None = None
    """Cut the network into so many parts, each for a chip of its own."""
    intermediate_tensors: tuple[str, ...] = ()
    """Stop mapping at these tensors."""
    search_delegate: bool = False
    """Leave out operations from the end until it compiles."""
    search_step: int | None = None
    several_parts: bool = False
    """Allow more than one part for the chip; experimental."""

    def arguments(self) -> list[str]:
        """Return the command's options."""
        wanted: list[tuple[bool, list[str]]] = [
            (self.several_parts, ["-a"]),
            (self.min_runtime is not None, ["-m", str(self.min_runtime)]),
            (self.segments is not None, ["-n", str(self.segments)]),
            (bool(self.intermediate_tensors), ["-i", ",".join(self.intermediate_tensors)]),
            (self.search_delegate, ["-d"]),
            (self.search_step is not None, ["-k", str(self.search_step)]),
        ]
        return [word for asked, words in wanted if asked for word in words]


def find_compiler() -> Compiler | None:
    """Return the compiler of this machine: what ATOLL_EDGETPU_COMPILER names, else the one on the PATH, else None."""
    with contextlib.suppress(CompilerMissing, CompilerBusy):
        return require_compiler()
    return None


def require_compiler() -> Compiler:
    """Return the compiler of this machine.

    Raises:
        CompilerMissing: if there is none, or what is named is something else.
        CompilerBusy: if it cannot be started now.
    """
    found = shutil.which(os.environ.get(VARIABLE) or "edgetpu_compiler")
    if found is None:
        raise CompilerMissing(INSTALL)
    return Compiler(Path(found), ask_version(Path(found)))


def ask_version(path: Path) -> str:
    """Return what a compiler says its version is, such as 16.0.384591198.

    Raises:
        CompilerMissing: if it is something else.
        CompilerBusy: if it cannot be started now.
    """
    output = _run([str(path), "--version"], Path.cwd(), _VERSION_S).output
    found = re.search(r"version (\d+\.\d+\.\d+)", output)
    if found is None:
        raise CompilerMissing(f"{path} is not Coral's edgetpu_compiler: it does not tell its version.")
    return found[1]


@dataclass(frozen=True, slots=True)
class Compiler:
    """An edgetpu_compiler that can be run."""

    path: Path
    version: str
    """Such as 16.0.384591198."""

    @property
    def major_version(self) -> int:
        """The first number of its version."""
        return int(self.version.partition(".")[0])

    def compile(
        self,
        models: Sequence[Path],
        out_dir: Path,
        *,
        timeout_s: int = DEFAULT_TIMEOUT_S,
        options: CompileOptions | None = None,
        attempts: int = _ATTEMPTS,
    ) -> CompileReport:
        """Compile models into a folder and return what the compiler said.

        Several models are compiled together: they share the chip's memory, in the order given.

        Args:
            models: full-integer .tflite files.
            out_dir: where the compiled files and logs go; made if it is missing.
            timeout_s: how long one attempt may take.
            options: what else to ask for.
            attempts: how often to try where the compiler breaks down without a cause.

        Raises:
            CompileFailed: if it refuses the models, with the reason as a sentence.
            CompileTimeout: if it takes too long.
            CompilerCrashed: if it broke down at every attempt.
            CompilerBusy: if this machine could not run it now.
            BadModel: if a model cannot be read.
        """
        _refuse_unreadable(models)
        out_dir.mkdir(parents=True, exist_ok=True)
        command = self._command(models, out_dir, timeout_s, options or CompileOptions())
        for attempt in range(1, max(attempts, 1) + 1):
            ended = _run(command, out_dir, timeout_s + _GRACE_S)
            if not ended.crashed or attempt >= attempts:
                break
        return _judge(ended, attempt, timeout_s, out_dir)

    def _command(self, models: Sequence[Path], out_dir: Path, timeout_s: int, options: CompileOptions) -> list[str]:
        timer = ["-t", str(timeout_s)] if self.major_version >= _FIRST_WITH_TIMER else []
        files = [str(model.resolve()) for model in models]
        return [str(self.path), "-s", "-o", str(out_dir.resolve()), *timer, *options.arguments(), *files]


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a run of the compiler ended."""

    output: str
    status: int
    timed_out: bool

    @property
    def crashed(self) -> bool:
        """Whether it broke down in a way that may pass."""
        return not self.timed_out and (self.status < 0 or any(words in self.output for words in _PASSING_WORDS))


def _refuse_unreadable(models: Sequence[Path]) -> None:
    if not models:
        raise BadModel("There is no model to compile.")
    for model in models:
        if not model.is_file():
            raise BadModel(f"There is no model file {model.name}.")


def _run(command: list[str], folder: Path, timeout_s: float) -> _Ended:
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=plain_environment(),
        )
    except OSError as error:
        raise CompilerBusy(f"The compiler could not be started: {error.strerror or error}. Try again later.") from error
    with process:
        _limit_memory(process.pid)
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _kill_group(process.pid)
            output, _ = process.communicate()
            return _Ended(_text(output), process.returncode, timed_out=True)
        except BaseException:
            _kill_group(process.pid)
            raise
    return _Ended(_text(output), process.returncode, timed_out=False)


def _limit_memory(pid: int) -> None:
    if sys.platform == "linux":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _text(output: bytes) -> str:
    return output[:_OUTPUT_CHARACTERS].decode("utf-8", "replace")


def _judge(ended: _Ended, attempts: int, timeout_s: int, out_dir: Path) -> CompileReport:
    """Return the report of a run that gave models; raise for all others."""
    if ended.timed_out:
        raise CompileTimeout(
            f"The compiler did not finish within {timeout_s} seconds. Allow more time, or make the network smaller.",
            ended.output,
        )
    report = _report(ended)
    if report.failures:
        failure = report.failures[0]
        kind = CompilerCrashed if failure.kind in BREAKDOWNS else CompileFailed
        tried = f" It was tried {attempts} times." if attempts > 1 else ""
        raise kind(failure.sentence + tried, ended.output)
    if all(model.subgraphs == 0 for model in report.models):
        raise CompileFailed(_NOTHING_MAPPED, ended.output)
    return replace(report, attempts=attempts, files=_files(report, out_dir, ended))


def _files(report: CompileReport, out_dir: Path, ended: _Ended) -> tuple[Path, ...]:
    files = tuple(out_dir / Path(model.output_model).name for model in report.models)
    for file in files:
        if not file.is_file():
            raise CompileFailed(f"The compiler reported success but did not write {file.name}.", ended.output)
    return files


def _report(ended: _Ended) -> CompileReport:
    try:
        return read_log(ended.output)
    except BadLog as error:
        if ended.status < 0:
            name = signal.Signals(-ended.status).name
            raise CompilerCrashed(
                f"The compiler was killed by {name}. Most often this machine has too little memory for the network.",
                ended.output,
            ) from error
        raise CompileFailed(f"The compiler's answer could not be understood. {error}", ended.output) from error
