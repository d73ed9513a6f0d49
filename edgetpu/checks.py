"""What must be true of a compiled model, alone and beside the model it was made from. Each check has a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from math import isclose
from typing import Literal, NamedTuple

from edgetpu.compiled_file import CompiledFile, CustomOperation
from edgetpu.executable import ChipLayer, Executable, ExecutableKind, Region
from edgetpu.graph import Graph, Tensor
from edgetpu.weights import placements

CHIP = "beagle"
"""The chip's name inside Google. Source: all 117 compiled files that were looked at."""
KNOWN_RUNTIMES = (10, 11, 12, 13, 14)
_NARROW_MOST_BYTES = 192 * 1024
_BITSTREAM_MULTIPLE = 16
_ZERO_POINT_SHIFT = {"int8": 128, "int16": 32_768}
_SCALE_TOLERANCE = 1e-6
_MOST_UNKNOWN = 0.2
"""Share of layers whose weights may be stored in a way that we do not know."""
_STATE_SUFFIX = "_variable_output"
"""How the program names the new state of a recurrent layer, which is no output of the operation."""

Level = Literal["ok", "warning", "error"]


class Finding(NamedTuple):
    """The outcome of one check."""

    check: str
    level: Level
    sentence: str


Problems = Iterator[str]
AloneCheck = Callable[[CompiledFile], Problems]
PairCheck = Callable[[CompiledFile, Graph], Problems]


def check_alone(compiled: CompiledFile) -> tuple[Finding, ...]:
    """Return the findings about a compiled model by itself."""
    return tuple(_finding(check.__name__, check.__doc__, list(check(compiled))) for check in _ALONE)


def check_pair(compiled: CompiledFile, source: Graph) -> tuple[Finding, ...]:
    """Return the findings about a compiled model and its source."""
    pair = tuple(_finding(check.__name__, check.__doc__, list(check(compiled, source))) for check in _PAIR)
    return (*check_alone(compiled), *pair, weights_are_the_sources(compiled, source))


def _finding(name: str, sentence: str | None, problems: list[str]) -> Finding:
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return Finding(name, "error", problems[0] + more)
    return Finding(name, "ok", (sentence or "").strip())


def _executables(compiled: CompiledFile) -> Iterator[Executable]:
    for operation in compiled.operations:
        yield from operation.package.executables


def programs_belong_together(compiled: CompiledFile) -> Problems:
    """The programs are one for caching and one for running, or one that does both."""
    for operation in compiled.operations:
        kinds = sorted(executable.kind for executable in operation.package.executables)
        together = [ExecutableKind.PARAMETER_CACHING, ExecutableKind.EXECUTION_ONLY]
        if kinds not in ([ExecutableKind.STAND_ALONE], [ExecutableKind.EXECUTION_ONLY], together):
            yield f"The programs do not belong together: {', '.join(kind.name for kind in kinds)}."


def one_token(compiled: CompiledFile) -> Problems:
    """The programs that keep parameters on the chip share one token, which is not 0."""
    for operation in compiled.operations:
        if operation.caching is None:
            continue
        if operation.inference.token == 0:
            yield "The token that protects the cached parameters is 0."
        elif operation.caching.token != operation.inference.token:
            yield "The program that caches the parameters has another token than the one that uses them."


def built_for_the_chip(compiled: CompiledFile) -> Problems:
    """Every program is for the Edge TPU, and for one picture at a time."""
    for executable in _executables(compiled):
        if executable.chip != CHIP:
            yield f"A program is for the chip “{executable.chip}”, not for the Edge TPU."
        if executable.batch != 1:
            yield f"A program runs {executable.batch} pictures at a time."


def known_runtime(compiled: CompiledFile) -> Problems:
    """The runtime that it needs exists."""
    if compiled.min_runtime not in KNOWN_RUNTIMES:
        yield f"It asks for runtime {compiled.min_runtime}; known are {KNOWN_RUNTIMES[0]} to {KNOWN_RUNTIMES[-1]}."


def parameters_are_moved_once(compiled: CompiledFile) -> Problems:
    """Each program moves exactly the parameters that it carries."""
    for executable in _executables(compiled):
        moved = executable.transferred_bytes(Region.PARAMETER)
        if moved != executable.parameter_bytes:
            yield f"A program moves {moved:,} bytes of parameters and carries {executable.parameter_bytes:,}."


def transfers_match_layers(compiled: CompiledFile) -> Problems:
    """Inputs and outputs are moved in full."""
    for operation in compiled.operations:
        run = operation.inference
        for region, layers in ((Region.INPUT, run.inputs), (Region.OUTPUT, run.outputs)):
            for layer in layers:
                moved = sum(
                    move.length_bytes for move in run.transfers if (move.region, move.name) == (region, layer.name)
                )
                if moved and moved < layer.elements:
                    yield f"Only {moved:,} bytes of {layer.name} are moved; it has {layer.elements:,} values."


def addresses_lie_inside(compiled: CompiledFile) -> Problems:
    """Every address that the host writes lies inside its instructions, which come in blocks of 16 bytes."""
    for executable in _executables(compiled):
        for stream in executable.bitstreams:
            if stream.length_bytes % _BITSTREAM_MULTIPLE:
                yield f"An instruction stream of {stream.length_bytes:,} bytes is not whole blocks of 16."
            for relocation in stream.relocations:
                if not 0 <= relocation.bit <= stream.length_bytes * 8 - 32:
                    yield f"An address at bit {relocation.bit:,} lies outside its instructions."


def narrow_memory_suffices(compiled: CompiledFile) -> Problems:
    """No tile needs more than the 192 KiB of activations that it has."""
    for executable in _executables(compiled):
        used = executable.narrow_memory_bytes_per_tile
        if not 0 <= used <= _NARROW_MOST_BYTES:
            yield f"A program needs {used:,} bytes per tile; there are {_NARROW_MOST_BYTES:,}."


def layers_match_tensors(compiled: CompiledFile) -> Problems:
    """The program's inputs and outputs are those of its operation: name, type, size and quantization."""
    for operation in compiled.operations:
        yield from _mismatches(operation, compiled.graph)


def _mismatches(operation: CustomOperation, graph: Graph) -> Problems:
    run = operation.inference
    results = tuple(layer for layer in run.outputs if not layer.name.endswith(_STATE_SUFFIX))
    for side, positions, layers in (
        ("inputs", operation.op.inputs, run.inputs),
        ("outputs", operation.op.outputs, results),
    ):
        tensors = {graph.tensors[index].name: graph.tensors[index] for index in positions if index >= 0}
        count = len({index for index in positions if index >= 0})
        if count != len(layers):
            yield f"The program has {len(layers)} {side}, its operation {count}."
        for layer in layers:
            tensor = tensors.get(layer.name)
            trouble = "is none of the operation's" if tensor is None else _difference(layer, tensor)
            if trouble:
                yield f"“{layer.name}” of the program {trouble}."


def _difference(layer: ChipLayer, tensor: Tensor) -> str:
    """Return how a program's layer differs from its tensor, or nothing."""
    if layer.elements != tensor.elements:
        return f"has {layer.elements:,} values, its tensor {tensor.elements:,}"
    quantization = tensor.quantization
    if quantization is None:
        return ""
    shift = _ZERO_POINT_SHIFT.get(tensor.dtype, 0)
    if layer.zero_point != quantization.zero_points[0] + shift:
        return f"has the zero point {layer.zero_point}, its tensor {quantization.zero_points[0]} + {shift}"
    if not isclose(layer.scale, quantization.scales[0], rel_tol=_SCALE_TOLERANCE):
        return f"has the scale {layer.scale:g}, its tensor {quantization.scales[0]:g}"
    return ""


def same_inputs_and_outputs(compiled: CompiledFile, source: Graph) -> Problems:
    """Inputs and outputs are those of the source: shape, type and quantization, in order."""
    ours = compiled.graph
    for side, mine, theirs in (("input", ours.inputs, source.inputs), ("output", ours.outputs, source.outputs)):
        if len(mine) != len(theirs):
            yield f"The source has {len(theirs)} {side}s, the compiled model {len(mine)}."
            continue
        for a, b in zip(mine, theirs, strict=True):
            first, second = ours.tensors[a], source.tensors[b]
            if (first.shape, first.dtype) != (second.shape, second.dtype):
                yield f"The {side} “{second.name}” has another shape or type than in the source."
            elif not _same_quantization(first, second):
                yield f"The {side} “{second.name}” is quantized in another way than in the source."


def _same_quantization(first: Tensor, second: Tensor) -> bool:
    a, b = first.quantization, second.quantization
    if a is None or b is None:
        return a is b
    close = all(isclose(x, y, rel_tol=_SCALE_TOLERANCE) for x, y in zip(a.scales, b.scales, strict=False))
    return len(a.scales) == len(b.scales) and a.zero_points == b.zero_points and close


def cpu_operations_come_from_source(compiled: CompiledFile, source: Graph) -> Problems:
    """What runs on the CPU is part of the source."""
    left = Counter((op.kind, op.custom_code) for op in compiled.cpu_ops)
    left.subtract(Counter((op.kind, op.custom_code) for op in source.ops))
    for (kind, code), count in left.items():
        if count > 0:
            yield f"{count} {code or kind} run on the CPU that the source does not have."


def weights_are_the_sources(compiled: CompiledFile, source: Graph) -> Finding:
    """The weights of every layer of the source are found in the compiled model.

    Few that are not found are a warning only: the compiler may store a layer in a way that we do not know.
    """
    name = weights_are_the_sources.__name__
    found = placements(compiled, source)
    missing = [source.ops[index] for index, placement in found.items() if placement is None]
    if not missing:
        return Finding(name, "ok", "The weights of every layer of the source are found in the compiled model.")
    level: Level = "error" if len(missing) > _MOST_UNKNOWN * len(found) else "warning"
    sentence = (
        f"The weights of {len(missing)} of {len(found)} layers of the source are not found in the compiled model; "
        f"the first is {missing[0].kind} “{missing[0].name}”."
    )
    return Finding(name, level, sentence)


_ALONE: tuple[AloneCheck, ...] = (
    programs_belong_together,
    one_token,
    built_for_the_chip,
    known_runtime,
    parameters_are_moved_once,
    transfers_match_layers,
    addresses_lie_inside,
    narrow_memory_suffices,
    layers_match_tensors,
)
_PAIR: tuple[PairCheck, ...] = (same_inputs_and_outputs, cpu_operations_come_from_source)
