from __future__ import annotations

import csv
from pathlib import Path

import pytest

from edgetpu.graph import Graph
from edgetpu.memory import DEFAULT_CAPACITY_BYTES, MIB, memory_map, padded_outputs
from edgetpu.package import read_compiled
from edgetpu.sketch import Sketch
from edgetpu.tflite import read_graph
from edgetpu.weights import placements


def conv(inputs: int, outputs: int, kernel: int = 1, *, per_channel: bool = False) -> Graph:
    sketch = Sketch((8, 8, inputs), per_channel=per_channel)
    return sketch.graph(sketch.conv(sketch.inputs[0], outputs, kernel))


def test_parameters_of_convolution_models_are_exact_to_the_byte(pairs: tuple[tuple[Path, Path], ...]) -> None:
    for compiled, source in pairs:
        if "lstm" in source.name:
            continue
        version = 16 if compiled.parent.name >= "2021-07" else 15
        expected = read_compiled(compiled).parameter_bytes
        assert memory_map(read_graph(source), compiler_version=version).parameter_bytes == expected, compiled


def test_what_a_model_compiled_after_another_keeps_is_exact_to_the_byte(pairs: tuple[tuple[Path, Path], ...]) -> None:
    shared = [(read_compiled(compiled), source) for compiled, source in pairs if "cocompiled" in compiled.name]
    streaming = [(package, source) for package, source in shared if package.streamed_bytes]
    assert streaming
    for package, source in streaming:
        memory = memory_map(read_graph(source), package.cached_bytes, compiler_version=15)
        assert (memory.cached_bytes, memory.streamed_bytes) == (package.cached_bytes, package.streamed_bytes)


def test_layers_lie_where_their_weights_are_found(pairs: tuple[tuple[Path, Path], ...]) -> None:
    for compiled, source in pairs:
        package = read_compiled(compiled)
        if package.streamed_bytes or "lstm" in source.name:
            continue
        memory = memory_map(read_graph(source))
        for index, place in placements(package, read_graph(source)).items():
            assert place in (memory.layers[index].placement, None), (compiled.name, index)


@pytest.mark.parametrize(
    ("channels", "stored"), [(1, 4), (2, 16), (16, 16), (17, 32), (64, 64), (65, 128), (1001, 1024)]
)
def test_output_channels_are_stored_in_blocks(channels: int, stored: int) -> None:
    assert padded_outputs(channels) == stored


def test_a_scale_per_channel_costs_eight_bytes_more_per_stored_channel() -> None:
    plain, scaled = (memory_map(conv(16, 32, 3, per_channel=each)).parameter_bytes for each in (False, True))
    assert plain == 32 * (4 + 9 * 16)
    assert scaled == 32 * (12 + 9 * 16)


def test_three_input_channels_are_stored_as_four() -> None:
    assert memory_map(conv(3, 16, 3)).parameter_bytes == 16 * (4 + 9 * 4)


def test_a_small_network_stays_on_the_chip() -> None:
    memory = memory_map(conv(64, 64))
    assert memory.streamed_bytes == 0
    assert memory.remaining_bytes == DEFAULT_CAPACITY_BYTES - memory.cached_bytes
    assert memory.layers[0].placement == "cached"


def test_when_not_all_fits_depthwise_stays_and_spatial_convolutions_go_first() -> None:
    sketch = Sketch((8, 8, 256))
    x = sketch.conv(sketch.inputs[0], 256, 3)
    x = sketch.depthwise(x)
    sketch.conv(x, 256)
    memory = memory_map(sketch.graph(), 100_000)
    assert [layer.placement for layer in memory.layers] == ["streamed", "cached", "cached"]


def test_operations_on_the_cpu_take_no_memory_on_the_chip() -> None:
    sketch = Sketch((8, 8, 16))
    sketch.conv(sketch.like(sketch.conv(sketch.inputs[0], 16), "LEAKY_RELU"), 16)
    memory = memory_map(sketch.graph())
    assert [layer.placement for layer in memory.layers] == ["cached", "cpu", "cpu"]
    assert memory.layers[2].parameter_bytes == 0


def test_streaming_is_foreseen_in_the_published_ladder_of_convolutions(latency_folder: Path) -> None:
    with (latency_folder / "microbench_conv5x3x3_64x64.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        sketch = Sketch((64, 64, 3))
        x = sketch.inputs[0]
        for _ in range(5):
            x = sketch.conv(x, int(row["filters"]), 3)
        streamed_mib = memory_map(sketch.graph(x)).streamed_bytes / MIB
        assert streamed_mib == pytest.approx(float(row["offchip_mib"]), abs=0.02), row["filters"]


def test_the_same_graph_asked_twice_with_another_capacity_gets_another_answer() -> None:
    graph = conv(256, 256, 3)
    assert memory_map(graph).streamed_bytes == 0
    assert memory_map(graph, 1000).cached_bytes == 0
    assert memory_map(graph).streamed_bytes == 0
