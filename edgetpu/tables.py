"""Answers as tables for people to read in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from edgetpu.calibration import Calibration
from edgetpu.checks import Finding
from edgetpu.cocompile import Advice
from edgetpu.compile_report import CompileReport
from edgetpu.compiled_file import CompiledFile, groups_of
from edgetpu.inspection import Inspection
from edgetpu.latency import LatencyEstimate
from edgetpu.measurement import BitMatch, Measurement

_LONGEST_LAYERS = 12
_LEVELS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "error": "[red]error[/]"}


def bytes_text(count: int | None) -> str:
    """Return a number of bytes as people read it: whole bytes, and KiB or MiB beside them."""
    if count is None:
        return "–"
    if count < 1024:
        return f"{count} B"
    unit, size = ("KiB", 1024) if count < 2**20 else ("MiB", 2**20)
    return f"{count:,} B ({count / size:.2f} {unit})"


def show(console: Console, *parts: Table | Text | Group | str) -> None:
    """Print parts with a line between them."""
    for part in parts:
        console.print(part)
        console.print()


def inspection_parts(inspection: Inspection) -> tuple[Table | Text | str, ...]:
    """Return what `atoll inspect` shows."""
    parts: list[Table | Text | str] = [_summary(inspection), _ops_table(inspection)]
    if inspection.obstacle is not None:
        parts.append(Text(f"The chip's part ends at “{inspection.obstacle.name}”. {inspection.obstacle.reason}"))
    if inspection.latency is not None:
        parts.append(_time_table(inspection.latency))
        parts += [Text(f"Note: {sentence}", style="yellow") for sentence in inspection.latency.warnings]
    if inspection.other_latency is not None:
        parts.append(
            f"With 1 MiB more or less of memory it would take {inspection.other_latency.ms:.2f} ms (estimated)."
        )
    if inspection.findings:
        parts.append(findings_table(inspection.findings))
    return tuple(parts)


def _summary(inspection: Inspection) -> Table:
    table = _plain(inspection.path.name)
    origin = "read from the package" if inspection.compiled else "estimated"
    table.add_row("File", bytes_text(inspection.file_bytes))
    table.add_row("Parameters", f"{bytes_text(inspection.cached_bytes + inspection.streamed_bytes)}, {origin}")
    table.add_row("  kept on the chip", bytes_text(inspection.cached_bytes))
    table.add_row("  sent at every inference", bytes_text(inspection.streamed_bytes))
    if inspection.latency is not None:
        table.add_row("Time", latency_text(inspection.latency))
        table.add_row("Limited by", inspection.latency.limited_by)
    if inspection.compiled is not None:
        table.add_row("Token", f"{inspection.compiled.token:#018x}")
        table.add_row("Oldest runtime", str(inspection.compiled.min_runtime))
        table.add_row("Instructions", bytes_text(inspection.compiled.instruction_bytes))
        table.add_row("Moved per inference", bytes_text(inspection.compiled.dma_bytes))
    return table


def latency_text(latency: LatencyEstimate) -> str:
    """Return a time with its band, its device and its origin."""
    return (
        f"{latency.ms:.2f} ms ({latency.low_ms:.2f}–{latency.high_ms:.2f} ms in 80 of 100 cases), "
        f"{latency.fps:.0f} per second, estimated for {latency.device.title}"
    )


def _ops_table(inspection: Inspection) -> Table:
    table = _headed("Operations", ("Operation", "Count", "Runs on", "Why not the chip"))
    for op in inspection.ops:
        table.add_row(op.name, str(op.count), "chip" if op.mapped else "[yellow]CPU[/]", op.reason)
    return table


def _time_table(latency: LatencyEstimate) -> Table:
    longest = sorted(latency.layers, key=lambda layer: -layer.total_us)[:_LONGEST_LAYERS]
    table = _headed(
        f"Slowest layers (estimated, {latency.device.key})", ("#", "Layer", "Kind", "µs", "of which streaming")
    )
    for layer in longest:
        streaming = f"{layer.streaming_us:.0f}" if layer.streaming_us else ""
        table.add_row(str(layer.index), _short(layer.name), layer.kind, f"{layer.total_us:.0f}", streaming)
    parts = ", ".join(f"{name} {ms:.2f}" for name, ms in latency.parts_ms.items() if ms)
    table.caption = f"All in ms: {parts}"
    return table


def findings_table(findings: Iterable[Finding]) -> Table:
    """Return the outcome of checks."""
    table = _headed("Checks", ("Check", "", ""))
    for finding in findings:
        table.add_row(finding.check.replace("_", " "), _LEVELS[finding.level], Text(finding.sentence))
    return table


def advice_table(advice: Advice) -> Table:
    """Return how networks share the chip, best order first."""
    table = _headed("Compiled together", ("Network", "Kept on the chip", "Sent each time", "Time (estimated)"))
    for member in advice.best.members:
        memory = member.memory
        times = f"{member.ms:.2f} ms"
        table.add_row(member.name, bytes_text(memory.cached_bytes), bytes_text(memory.streamed_bytes), times)
    return table


def groups_table(files: Mapping[str, CompiledFile]) -> Table:
    """Return what compiled models keep on the chip, group by group."""
    table = _headed("Already compiled", ("Group", "Model", "Kept on the chip", "Sent each time", "Token"))
    for number, names in enumerate(groups_of(files), 1):
        for name in names:
            one = files[name]
            sizes = (bytes_text(one.cached_bytes), bytes_text(one.streamed_bytes))
            table.add_row(str(number), name, *sizes, f"{one.token:#018x}")
    return table


def report_table(report: CompileReport) -> Table:
    """Return what a compiler said about each model."""
    title = f"Edge TPU compiler {report.compiler_version}"
    table = _headed(title, ("Model", "Kept on the chip", "Left", "Sent each time", "Operations on chip / CPU"))
    for model in report.models:
        on_chip = model.operations_on_chip
        counts = f"{'all' if on_chip is None else on_chip} / {model.operations_on_cpu or 0}"
        sizes = (model.cached_bytes, model.remaining_bytes, model.streamed_bytes)
        table.add_row(model.input_model, *map(bytes_text, sizes), counts)
    for failure in report.failures:
        table.add_row(Text(failure.sentence, style="red"))
    return table


def measurement_table(measurement: Measurement, match: BitMatch | None = None) -> Table:
    """Return what was measured."""
    table = _plain(f"Measured, {measurement.runs} runs after one warm-up and a second of rest")
    table.add_row("Median", f"{measurement.p50_ms:.3f} ms")
    table.add_row("95 of 100 below", f"{measurement.p95_ms:.3f} ms")
    table.add_row("Mean", f"{measurement.mean_ms:.3f} ms ± {measurement.std_ms:.3f} ms")
    table.add_row("Per second", f"{measurement.fps:.1f}")
    table.add_row("Host, link, clock", f"{measurement.host}, {measurement.link}, {measurement.clock}")
    table.add_row("Runtime", f"{measurement.software} {measurement.runtime_version}")
    if match is not None:
        table.add_row(
            "Equal values, CPU and chip", f"{100 * match.equal_share:.2f} %, at most {match.max_difference:g} apart"
        )
        table.add_row("Same best class", f"{100 * match.top1_agreement:.1f} % of {match.images} images")
    return table


def calibration_table(calibration: Calibration) -> Table:
    """Return how well a calibrated profile predicts."""
    table = _plain(f"Calibrated with {calibration.observations} measurements")
    table.add_row("Median error before", f"{100 * calibration.error_before:.1f} %")
    table.add_row("Median error now", f"{100 * calibration.error_after:.1f} % (each predicted from the others)")
    table.add_row("Nine in ten within", f"{100 * calibration.error_90_after:.1f} %")
    return table


def _plain(title: str) -> Table:
    table = Table(title=title, show_header=False, title_justify="left", box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    return table


def _headed(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _short(name: str) -> str:
    first = name.partition(";")[0]
    return first if len(first) <= 48 else f"…{first[-47:]}"
