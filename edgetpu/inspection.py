"""Everything there is to say about one model file, as one value; what `atoll inspect` shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetpu.checks import Finding, check_alone, check_pair
from edgetpu.compiled_file import CompiledFile, is_compiled, read_compiled
from edgetpu.devices import DEVICES, DeviceProfile
from edgetpu.errors import EdgeTpuError
from edgetpu.graph import Graph, Tensor
from edgetpu.latency import LatencyEstimate, at_other_capacity, estimate, estimate_with_memory
from edgetpu.memory import MemoryMap, memory_map
from edgetpu.rulebook import MAPPED
from edgetpu.rules import OpVerdict, first_obstacle, map_ops
from edgetpu.tflite import read_graph
from edgetpu.weights import placements

_LEFT_TO_CPU = "The compiler left it to the CPU."


@dataclass(frozen=True, slots=True)
class OpCount:
    """Operations of one kind that share a fate."""

    name: str
    count: int
    mapped: bool
    reason: str
    """Why they are not mapped; empty if they are."""
    compiler_status: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """One model file."""

    path: Path
    file_bytes: int
    graph: Graph
    """The network itself: the source's where a compiled file was inspected together with it."""
    ops: tuple[OpCount, ...]
    obstacle: OpVerdict | None
    """The first operation that ends the chip's part."""
    memory: MemoryMap | None
    """None for a compiled file without its source: its layers are not visible any more."""
    latency: LatencyEstimate | None
    other_latency: LatencyEstimate | None
    """The other case, where it is in doubt whether parameters are streamed."""
    compiled: CompiledFile | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def cached_bytes(self) -> int:
        """Parameters that stay on the chip: as the package says, else as expected."""
        if self.compiled is not None:
            return self.compiled.cached_bytes
        return self.memory.cached_bytes if self.memory else 0

    @property
    def streamed_bytes(self) -> int:
        """Parameters sent at every inference: as the package says, else as expected."""
        if self.compiled is not None:
            return self.compiled.streamed_bytes
        return self.memory.streamed_bytes if self.memory else 0

    def as_json(self) -> dict[str, Any]:
        """Return the object that `atoll inspect --json` prints; bytes and milliseconds are in the names."""
        answer: dict[str, Any] = {
            "file": self.path.name,
            "file_bytes": self.file_bytes,
            "compiled": self.compiled is not None,
            "parameter_bytes": self.cached_bytes + self.streamed_bytes,
            "cached_bytes": self.cached_bytes,
            "streamed_bytes": self.streamed_bytes,
            "memory_origin": "read from the package" if self.compiled else "estimated",
            "ops": [
                {
                    "name": op.name,
                    "count": op.count,
                    "mapped": op.mapped,
                    "reason": op.reason,
                    "compiler_status": op.compiler_status,
                }
                for op in self.ops
            ],
            "latency_ms": _latency_json(self.latency, self.other_latency),
            "inputs": [_tensor_json(self.graph.tensors[index]) for index in self.graph.inputs],
            "outputs": [_tensor_json(self.graph.tensors[index]) for index in self.graph.outputs],
        }
        if self.memory is not None:
            answer["layers"] = _layers_json(self)
        if self.compiled is not None:
            answer |= _compiled_json(self.compiled, self.findings)
        return answer


def inspect(path: Path, device: str | DeviceProfile = "devboard", source: Path | None = None) -> Inspection:
    """Return what there is to say about a model file, compiled or not.

    Args:
        path: a .tflite file.
        device: for the estimate of time.
        source: what a compiled file was made from; its layers and time are then known too.

    Raises:
        BadModel: if a file cannot be read.
        EdgeTpuError: if there is no such device.
    """
    profile = find_device(device)
    graph = read_graph(path)
    if not is_compiled(graph):
        return _inspect_source(path, graph, profile)
    compiled = read_compiled(graph)
    if source is None:
        ops = _counted([_compiled_verdict(graph, index) for index in range(len(graph.ops))])
        return Inspection(
            path, path.stat().st_size, graph, ops, None, None, None, None, compiled, check_alone(compiled)
        )
    return _inspect_with_source(path, compiled, read_graph(source), profile)


def _inspect_with_source(path: Path, compiled: CompiledFile, source: Graph, profile: DeviceProfile) -> Inspection:
    verdicts = _verdicts_of(compiled, source)
    memory = _memory_of(compiled, source)
    return Inspection(
        path=path,
        file_bytes=path.stat().st_size,
        graph=source,
        ops=_counted(verdicts),
        obstacle=first_obstacle(verdicts),
        memory=memory,
        latency=estimate_with_memory(source, profile, memory),
        other_latency=None,
        compiled=compiled,
        findings=check_pair(compiled, source),
    )


def _memory_of(compiled: CompiledFile, source: Graph) -> MemoryMap:
    """Return the memory map of a source as its compiled file has it: each layer where its weights were found."""
    expected = memory_map(source)
    seen = placements(compiled, source)
    layers = [layer._replace(placement=seen.get(layer.index) or layer.placement) for layer in expected.layers]
    return MemoryMap(tuple(layers), expected.capacity_bytes)


def find_device(device: str | DeviceProfile) -> DeviceProfile:
    """Return a device by its key.

    Raises:
        EdgeTpuError: if there is none of that name; it says which there are.
    """
    if isinstance(device, DeviceProfile):
        return device
    if device not in DEVICES:
        raise EdgeTpuError(f"There is no device “{device}”. Known are {', '.join(DEVICES)}.")
    return DEVICES[device]


def _inspect_source(path: Path, graph: Graph, profile: DeviceProfile) -> Inspection:
    verdicts = map_ops(graph)
    return Inspection(
        path=path,
        file_bytes=path.stat().st_size,
        graph=graph,
        ops=_counted(verdicts),
        obstacle=first_obstacle(verdicts),
        memory=memory_map(graph),
        latency=estimate(graph, profile),
        other_latency=at_other_capacity(graph, profile),
    )


def _verdicts_of(compiled: CompiledFile, source: Graph) -> list[OpVerdict]:
    """Return what became of each operation of the source; the compiled file knows better than our rules."""
    on_cpu = {compiled.graph.tensors[index].name for op in compiled.cpu_ops for index in op.outputs}
    verdicts = []
    for verdict in map_ops(source):
        mapped = verdict.name not in on_cpu
        if mapped:
            verdicts.append(verdict._replace(mapped=True, reason="", compiler_status=MAPPED))
        elif verdict.mapped:
            verdicts.append(verdict._replace(mapped=False, reason=_LEFT_TO_CPU, compiler_status=""))
        else:
            verdicts.append(verdict)
    return verdicts


def _compiled_verdict(graph: Graph, index: int) -> OpVerdict:
    op = graph.ops[index]
    if op.custom_code == "edgetpu-custom-op":
        return OpVerdict(index, op.custom_code, op.name, True, "", MAPPED)
    kind = op.custom_code or op.kind
    return OpVerdict(index, kind, op.name, False, _LEFT_TO_CPU, "")


def _counted(verdicts: Sequence[OpVerdict]) -> tuple[OpCount, ...]:
    counts = Counter((one.kind, one.mapped, one.reason, one.compiler_status) for one in verdicts)
    return tuple(OpCount(kind, count, mapped, why, status) for (kind, mapped, why, status), count in counts.items())


def _latency_json(latency: LatencyEstimate | None, other: LatencyEstimate | None) -> dict[str, Any] | None:
    if latency is None:
        return None
    return {
        "estimate": round(latency.ms, 4),
        "low": round(latency.low_ms, 4),
        "high": round(latency.high_ms, 4),
        "fps": round(latency.fps, 1),
        "device": latency.device.key,
        "device_title": latency.device.title,
        "origin": latency.origin,
        "limited_by": latency.limited_by,
        "parts": {name: round(ms, 4) for name, ms in latency.parts_ms.items()},
        "warnings": list(latency.warnings),
        "with_other_capacity": round(other.ms, 4) if other else None,
    }


def _tensor_json(tensor: Tensor) -> dict[str, Any]:
    quantization = tensor.quantization
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "scale": quantization.scales[0] if quantization else None,
        "zero_point": quantization.zero_points[0] if quantization else None,
    }


def _layers_json(inspection: Inspection) -> list[dict[str, Any]]:
    memory, latency = inspection.memory, inspection.latency
    times = latency.layers if latency else ()
    return [
        {
            "name": place.name,
            "kind": place.kind,
            "parameter_bytes": place.parameter_bytes,
            "placement": place.placement,
            "us": round(time.total_us, 2),
        }
        for place, time in zip(memory.layers if memory else (), times, strict=False)
    ]


def _compiled_json(compiled: CompiledFile, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "token": f"{compiled.token:#018x}",
        "min_runtime": compiled.min_runtime,
        "scratch_bytes": compiled.scratch_bytes,
        "instruction_bytes": compiled.instruction_bytes,
        "dma_bytes": compiled.dma_bytes,
        "executables": [
            {
                "kind": one.kind.name,
                "chip": one.chip,
                "batch": one.batch,
                "token": f"{one.token:#018x}",
                "parameter_bytes": one.parameter_bytes,
                "instruction_bytes": one.instruction_bytes,
                "scratch_bytes": one.scratch_bytes,
                "narrow_memory_bytes_per_tile": one.narrow_memory_bytes_per_tile,
                "estimated_cycles": one.estimated_cycles,
                "inputs": [layer.name for layer in one.inputs],
                "outputs": [layer.name for layer in one.outputs],
            }
            for operation in compiled.operations
            for one in operation.package.executables
        ],
        "findings": [finding._asdict() for finding in findings],
    }
