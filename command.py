"""The `atoll` command: search networks; look at models, plan their memory, compile, validate and measure them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.learn_command import add_learn
from search_command import add_search

if TYPE_CHECKING:  # rich and numpy cost a third of a second: they are loaded where they are needed
    from rich.console import Console

    from edgetpu.graph import Graph

Answer = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 if it could not be done or a check failed."""
    from edgetpu.errors import EdgeTpuError
    from marketplace.errors import UserError
    from models.errors import ModelError
    from search.errors import SearchError
    from workers.errors import StepFailed

    chosen = _parser().parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except (EdgeTpuError, ModelError, SearchError, StepFailed, UserError) as error:
        _complain(error, as_json=getattr(chosen, "json", False))
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        print("atoll: stopped. The same command goes on where a search was stopped.", file=sys.stderr)
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="atoll", description="Models for the Coral Edge TPU.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_search, _inspect, _memory, _compile, _measure, _validate, _log, _calibrate, add_learn):
        add(commands)
    return parser


Commands = Any
"""What argparse returns for its subcommands; it has no public name."""


def _command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], help_text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_text, description=help_text)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.set_defaults(run=run)
    return parser


def _inspect(commands: Commands) -> None:
    parser = _command(commands, "inspect", _run_inspect, "what a model is for the chip: operations, memory, time")
    parser.add_argument("model", type=Path, help="a .tflite file, compiled or not")
    parser.add_argument("--source", type=Path, help="what a compiled file was made from")
    parser.add_argument("--device", default="devboard", help="for the estimate of time (default: devboard)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a report as one HTML file")


def _memory(commands: Commands) -> None:
    parser = _command(commands, "memory", _run_memory, "how models share the chip, and in which order to compile them")
    parser.add_argument("models", type=Path, nargs="+", help=".tflite files, in order; or compiled ones")
    parser.add_argument("--device", default="devboard", help="for the estimate of time (default: devboard)")
    parser.add_argument("--capacity", type=int, metavar="BYTES", help="on-chip memory for parameters")
    parser.add_argument("--runs", type=float, nargs="+", help="how often each runs per round (default: 1)")


def _compile(commands: Commands) -> None:
    parser = _command(commands, "compile", _run_compile, "compile models with Coral's edgetpu_compiler")
    parser.add_argument("models", type=Path, nargs="+", help="full-integer .tflite files; several share the chip")
    parser.add_argument("-o", "--out", type=Path, default=Path(), help="folder for the compiled files (default: here)")
    parser.add_argument("--timeout", type=int, default=180, metavar="SECONDS")
    parser.add_argument("--min-runtime", type=int, metavar="VERSION", help="oldest runtime it must run on")
    parser.add_argument("--segments", type=int, metavar="N", help="cut the network for several chips")
    parser.add_argument("--search-delegate", action="store_true", help="leave out last operations until it compiles")
    parser.add_argument("--find-cause", action="store_true", help="on a breakdown, find the smallest part that fails")


def _measure(commands: Commands) -> None:
    parser = _command(commands, "measure", _run_measure, "time a compiled model on an attached Edge TPU")
    parser.add_argument("model", type=Path, help="a compiled .tflite file")
    parser.add_argument("--source", type=Path, help="compare answers with this model on the CPU")
    parser.add_argument("--images", type=int, default=20, help="how many random images to compare (default: 20)")
    parser.add_argument("--runs", type=int, default=250)
    parser.add_argument("--device", help="which Edge TPU: pci:0, usb:0, … (default: the first)")


def _validate(commands: Commands) -> None:
    parser = _command(commands, "validate", _run_validate, "check a compiled model against its source")
    parser.add_argument("compiled", type=Path)
    parser.add_argument("source", type=Path)


def _log(commands: Commands) -> None:
    parser = _command(commands, "log", _run_log, "read what edgetpu_compiler printed, or its operation log")
    parser.add_argument("file", type=Path)


def _calibrate(commands: Commands) -> None:
    parser = _command(commands, "calibrate", _run_calibrate, "fit a device profile to your own measurements")
    parser.add_argument("table", type=Path, help="CSV with the columns model and latency_ms")
    parser.add_argument("--device", default="usb3", help="the known device nearest to yours (default: usb3)")


def _run_inspect(chosen: argparse.Namespace) -> int:
    from edgetpu.inspection import inspect

    inspection = inspect(chosen.model, chosen.device, chosen.source)
    if chosen.html:
        from edgetpu.page import report_page

        chosen.html.write_text(report_page(inspection), encoding="utf-8")
    if chosen.json:
        return _print(inspection.as_json())
    from edgetpu.tables import inspection_parts, show

    show(_console(), *inspection_parts(inspection))
    return 0


def _run_memory(chosen: argparse.Namespace) -> int:
    from edgetpu.cocompile import Member, advise
    from edgetpu.compiled_file import is_compiled
    from edgetpu.inspection import find_device
    from edgetpu.memory import DEFAULT_CAPACITY_BYTES
    from edgetpu.tflite import read_graph

    unique = len({path.name for path in chosen.models}) == len(chosen.models)
    graphs = {path.name if unique else str(path): read_graph(path) for path in chosen.models}
    if all(is_compiled(graph) for graph in graphs.values()):
        return _show_groups(graphs, as_json=chosen.json)
    runs = (chosen.runs or []) + [1.0] * len(graphs)
    members = [Member(name, graph, often) for (name, graph), often in zip(graphs.items(), runs, strict=False)]
    advice = advise(members, find_device(chosen.device), chosen.capacity or DEFAULT_CAPACITY_BYTES)
    if chosen.json:
        return _print(advice.as_json())
    from edgetpu.tables import advice_table, show

    show(_console(), advice_table(advice), advice.sentence)
    return 0


def _show_groups(graphs: dict[str, Graph], *, as_json: bool) -> int:
    from edgetpu.compiled_file import groups_of, read_compiled

    files = {name: read_compiled(graph) for name, graph in graphs.items()}
    if as_json:
        bytes_of = {name: {"cached": one.cached_bytes, "streamed": one.streamed_bytes} for name, one in files.items()}
        return _print({"groups": groups_of(files), "bytes": bytes_of, "origin": "read from the package"})
    from edgetpu.tables import groups_table, show

    show(_console(), groups_table(files))
    return 0


def _run_compile(chosen: argparse.Namespace) -> int:
    from edgetpu.compiler import CompileOptions, require_compiler
    from edgetpu.errors import CompilerCrashed

    options = CompileOptions(
        min_runtime=chosen.min_runtime, segments=chosen.segments, search_delegate=chosen.search_delegate
    )
    compiler = require_compiler()
    try:
        report = compiler.compile(chosen.models, chosen.out, timeout_s=chosen.timeout, options=options)
    except CompilerCrashed:
        if not chosen.find_cause or len(chosen.models) > 1:
            raise
        from edgetpu.culprit import find_culprit

        return _print({"error": find_culprit(compiler, chosen.models[0]).sentence}, status=1)
    return _print_report(report, as_json=chosen.json)


def _run_measure(chosen: argparse.Namespace) -> int:
    from edgetpu.measuring import measure_and_compare

    measurement, match = measure_and_compare(
        chosen.model, chosen.source, device=chosen.device, runs=chosen.runs, images=chosen.images
    )
    if chosen.json:
        return _print({"measurement": measurement.as_json(), "match": match.as_json() if match else None})
    from edgetpu.tables import measurement_table, show

    show(_console(), measurement_table(measurement, match))
    return 0


def _run_validate(chosen: argparse.Namespace) -> int:
    from edgetpu.package import validate

    findings = validate(chosen.compiled, chosen.source)
    good = all(finding.level != "error" for finding in findings)
    if chosen.json:
        return _print({"valid": good, "findings": [finding._asdict() for finding in findings]}, status=0 if good else 1)
    from edgetpu.tables import findings_table, show

    show(_console(), findings_table(findings))
    return 0 if good else 1


def _run_log(chosen: argparse.Namespace) -> int:
    from edgetpu.compiler_log import read_log_file

    return _print_report(read_log_file(chosen.file), as_json=chosen.json)


def _run_calibrate(chosen: argparse.Namespace) -> int:
    from edgetpu.calibration import calibrate, read_measurements
    from edgetpu.inspection import find_device

    calibration = calibrate(read_measurements(chosen.table), find_device(chosen.device))
    if chosen.json:
        return _print(calibration.as_json())
    from edgetpu.tables import calibration_table, show

    show(_console(), calibration_table(calibration))
    return 0


def _print_report(report: Any, *, as_json: bool) -> int:
    if as_json:
        return _print(report.as_json())
    from edgetpu.tables import report_table, show

    show(_console(), report_table(report))
    return 0


def _print(answer: Answer, status: int = 0) -> int:
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return status


def _console() -> Console:
    from rich.console import Console

    return Console()


def _complain(error: Exception, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": str(error), "kind": type(error).__name__}, ensure_ascii=False))
    print(f"atoll: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
