"""Parameter bytes and placement against real compiled files; beside the raw weight bytes that others use.

Run: python benchmarks/edgetpu_memory.py
"""

from __future__ import annotations

from pathlib import Path

from edgetpu_measurements import FOLDER, conv_ladder, dense_ladder, require_data

from edgetpu.memory import memory_map
from edgetpu.package import read_compiled, validate
from edgetpu.tflite import read_graph
from edgetpu.weights import placements

COMPILED = FOLDER.parent / "compiled"
SOFTMAX_SINCE = "2021-07"


def main() -> None:
    """Print one line per pair."""
    require_data()
    print(f"{'pair':72s} {'package':>10s} {'ours':>10s} {'off':>7s} {'raw off':>8s}  placement")
    exact = total = 0
    for compiled, source in pairs():
        graph, package = read_graph(source), read_compiled(compiled)
        version = 16 if compiled.parent.name >= SOFTMAX_SINCE else 15
        memory = memory_map(graph, package.cached_bytes, compiler_version=version) if package.streamed_bytes else None
        memory = memory or memory_map(graph, compiler_version=version)
        seen = placements(package, graph)
        misplaced = sum(place is not None and place != memory.layers[index].placement for index, place in seen.items())
        off = memory.parameter_bytes / package.parameter_bytes - 1
        split = (memory.cached_bytes, memory.streamed_bytes) == (package.cached_bytes, package.streamed_bytes)
        raw = sum(t.elements for t in graph.tensors if t.constant and t.dtype in ("int8", "uint8"))
        if "lstm" not in source.name:
            total += 1
            exact += off == 0 and split
        errors = [finding.check for finding in validate(compiled, source) if finding.level == "error"]
        print(
            f"{compiled.parent.name + '/' + compiled.name[:62]:72s} {package.parameter_bytes:10,} "
            f"{memory.parameter_bytes:10,} {100 * off:6.3f}% {100 * (raw / package.parameter_bytes - 1):7.2f}%  "
            f"{'split exact' if split else 'split differs'}, {misplaced} of {len(seen)} layers elsewhere {errors or ''}"
        )
    print(f"exact to the byte, cached and streamed: {exact} of {total} convolutional pairs")
    print_ladders()


def pairs() -> list[tuple[Path, Path]]:
    """Return every compiled file whose source is here."""
    return [
        (compiled, source)
        for compiled in sorted(COMPILED.glob("20*/*.tflite"))
        for source in sorted((COMPILED / "source").glob("*.tflite"))
        if compiled.name.startswith((source.stem + "_edgetpu", source.stem + "_cocompiled"))
    ]


def print_ladders() -> None:
    """Print how often streaming is foreseen in the micro-benchmarks."""
    for name, file, rows in (
        ("conv ladder", "microbench_conv5x3x3_64x64.csv", conv_ladder()),
        ("dense ladder", "microbench_fc4_in64_out10.csv", dense_ladder()),
    ):
        off_chip = [float(line.split(",")[3]) for line in (FOLDER / file).read_text().splitlines()[1:]]
        ours = [sum(row.terms.streamed_bytes) / 2**20 for row in rows]
        close = sum(abs(a - b) <= max(0.02, 0.01 * b) for a, b in zip(ours, off_chip, strict=True))
        print(f"{name}: streamed MiB within 1 % or 0.02 MiB of the compiler's in {close} of {len(rows)}")


if __name__ == "__main__":
    main()
