from __future__ import annotations

from pathlib import Path

from edgetpu.memory import memory_map
from edgetpu.package import read_compiled
from edgetpu.tflite import read_graph


def test_parameters_of_convolution_models_are_exact_to_the_byte(pairs: tuple[tuple[Path, Path], ...]) -> None:
    for compiled, source in pairs:
        if "lstm" in source.name:
            continue
        version = 16 if compiled.parent.name >= "2021-07" else 15
        expected = read_compiled(compiled).parameter_bytes
        assert memory_map(read_graph(source), compiler_version=version).parameter_bytes == expected, compiled
