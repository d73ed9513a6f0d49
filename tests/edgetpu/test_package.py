from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from edgetpu.checks import check_alone, check_pair
from edgetpu.compiled_file import CompiledFile, groups_of, read_compiled, same_group
from edgetpu.errors import BadModel
from edgetpu.executable import ExecutableKind, Region
from edgetpu.flexbuffer import FlexFile
from edgetpu.graph import Graph
from edgetpu.package import validate
from edgetpu.tflite import read_graph
from edgetpu.weights import placements


@pytest.fixture
def compiled(compiled_folder: Path) -> CompiledFile:
    return read_compiled(compiled_folder / "2021-07/mobilenet_v1_0.25_128_quant_edgetpu.tflite")


def with_program(compiled: CompiledFile, number: int, **changes: object) -> CompiledFile:
    """Return a compiled file with one of its programs changed."""
    operation = compiled.operations[0]
    programs = list(operation.package.executables)
    programs[number] = replace(programs[number], **changes)  # type: ignore[arg-type]
    package = replace(operation.package, executables=tuple(programs))
    return replace(compiled, operations=(replace(operation, package=package),))


def number_of(compiled: CompiledFile, kind: ExecutableKind) -> int:
    return [program.kind for program in compiled.operations[0].package.executables].index(kind)


def errors(compiled: CompiledFile, source: Graph | None = None) -> set[str]:
    findings = check_alone(compiled) if source is None else check_pair(compiled, source)
    return {finding.check for finding in findings if finding.level == "error"}


def test_every_real_compiled_file_passes_every_check(compiled_models: tuple[Path, ...]) -> None:
    for path in compiled_models:
        assert errors(read_compiled(path)) == set(), path.name


def test_every_real_pair_passes_every_check(pairs: tuple[tuple[Path, Path], ...]) -> None:
    for compiled, source in pairs:
        findings = validate(compiled, source)
        assert len(findings) == 12
        assert all(finding.level == "ok" and finding.sentence.endswith(".") for finding in findings), findings


def test_fields_of_a_real_file_are_those_of_its_package(compiled: CompiledFile) -> None:
    assert compiled.cached_bytes == 566_912
    assert compiled.streamed_bytes == 0
    assert compiled.min_runtime == 12
    assert compiled.token == 0x6D146C3F97D6648C
    assert compiled.instruction_bytes == 170_032
    assert compiled.moved_bytes(Region.INPUT) == 49_152
    assert compiled.dma_bytes == 49_152 + 1_008 + 170_032
    assert compiled.cpu_ops == ()
    (layer,) = compiled.operations[0].inference.inputs
    assert (layer.name, layer.shape, layer.dtype) == ("input", (128, 128, 3), "uint8")


def test_a_recurrent_model_keeps_its_state_in_the_program(compiled_folder: Path) -> None:
    compiled = read_compiled(compiled_folder / "2021-07/keras_lstm_mnist_ptq_edgetpu.tflite")
    assert compiled.scratch_bytes == 672
    assert compiled.streamed_bytes == 576
    assert {layer.dtype for layer in compiled.operations[0].inference.inputs} == {"uint8", "int8", "int16"}


def test_a_stand_alone_program_streams_its_parameters(compiled_folder: Path) -> None:
    compiled = read_compiled(compiled_folder / "2022-10/testconv1-edgetpu.tflite")
    assert (compiled.cached_bytes, compiled.streamed_bytes, compiled.token) == (0, 640, 0)


def test_models_compiled_together_are_recognised(compiled_folder: Path) -> None:
    folder = compiled_folder / "2021-07"
    first, second = (read_compiled(path) for path in sorted(folder.glob("mobilenet_v1*cocompiled*")))
    alone = read_compiled(folder / "mobilenet_v1_0.25_128_quant_edgetpu.tflite")
    assert same_group(first, second)
    assert not same_group(first, alone)
    assert groups_of({"first": first, "alone": alone, "second": second}) == (("first", "second"), ("alone",))


def test_a_layer_is_placed_where_its_weights_are(compiled_folder: Path) -> None:
    (path,) = (compiled_folder / "2020-11").glob("*.tflite")
    source = read_graph(compiled_folder / "source/mobilenet_v2_1.0_224_quant.tflite")
    found = placements(read_compiled(path), source)
    kinds = {index: source.ops[index].kind for index in found}
    assert all(place == "cached" for index, place in found.items() if kinds[index] == "DEPTHWISE_CONV_2D")
    assert sorted(set(filter(None, found.values()))) == ["cached", "streamed"]


def test_operations_left_to_the_cpu_are_placed_there(compiled_folder: Path) -> None:
    name = "deeplabv3_mnv2_dm05_pascal_quant"
    source = read_graph(compiled_folder / f"source/{name}.tflite")
    found = placements(read_compiled(compiled_folder / f"2021-07/{name}_edgetpu.tflite"), source)
    assert [source.ops[index].kind for index, place in found.items() if place == "cpu"].count("CONV_2D") == 2


def test_a_model_of_other_weights_is_told_from_the_source(compiled_folder: Path) -> None:
    source = read_graph(compiled_folder / "source/mobilenet_v1_0.5_160_quant.tflite")
    wrong = read_compiled(compiled_folder / "2021-07/mobilenet_v1_0.25_128_quant_edgetpu.tflite")
    assert {"weights_are_the_sources", "same_inputs_and_outputs"} <= errors(wrong, source)


def test_a_token_of_zero_or_of_another_model_is_found(compiled: CompiledFile) -> None:
    caching = number_of(compiled, ExecutableKind.PARAMETER_CACHING)
    running = number_of(compiled, ExecutableKind.EXECUTION_ONLY)
    assert errors(with_program(compiled, caching, token=5)) == {"one_token"}
    assert errors(with_program(compiled, running, token=0)) == {"one_token"}


def test_a_program_for_another_chip_or_batch_is_found(compiled: CompiledFile) -> None:
    assert errors(with_program(compiled, 0, chip="noronha")) == {"built_for_the_chip"}
    assert errors(with_program(compiled, 0, batch=8)) == {"built_for_the_chip"}


def test_parameters_that_are_not_all_moved_are_found(compiled: CompiledFile) -> None:
    caching = number_of(compiled, ExecutableKind.PARAMETER_CACHING)
    shorter = compiled.operations[0].package.executables[caching].parameters[:-64]
    assert errors(with_program(compiled, caching, parameters=shorter)) == {"parameters_are_moved_once"}


def test_an_address_outside_the_instructions_is_found(compiled: CompiledFile) -> None:
    stream = compiled.operations[0].package.executables[0].bitstreams[0]
    outside = replace(stream.relocations[0], bit=stream.length_bytes * 8)
    broken = replace(stream, relocations=(outside, *stream.relocations[1:]))
    assert errors(with_program(compiled, 0, bitstreams=(broken,))) == {"addresses_lie_inside"}
    odd = replace(stream, length_bytes=stream.length_bytes + 1)
    assert errors(with_program(compiled, 0, bitstreams=(odd,))) == {"addresses_lie_inside"}


def test_too_much_memory_per_tile_is_found(compiled: CompiledFile) -> None:
    assert errors(with_program(compiled, 0, narrow_memory_bytes_per_tile=200_000)) == {"narrow_memory_suffices"}


@pytest.mark.parametrize("change", [{"zero_point": 7}, {"scale": 0.5}, {"shape": (1, 1, 7)}, {"name": "other"}])
def test_a_layer_unlike_its_tensor_is_found(compiled: CompiledFile, change: dict[str, object]) -> None:
    running = number_of(compiled, ExecutableKind.EXECUTION_ONLY)
    layer = replace(compiled.operations[0].inference.outputs[0], **change)  # type: ignore[arg-type]
    assert "layers_match_tensors" in errors(with_program(compiled, running, outputs=(layer,)))


def test_an_unknown_runtime_is_found(compiled: CompiledFile) -> None:
    operation = compiled.operations[0]
    future = replace(compiled, operations=(replace(operation, package=replace(operation.package, min_runtime=99)),))
    assert errors(future) == {"known_runtime"}


def test_a_model_that_was_not_compiled_is_refused(mobilenet: Path) -> None:
    with pytest.raises(BadModel, match="was not compiled"):
        read_compiled(mobilenet)


@pytest.mark.parametrize("content", [b"", b"\x00\x00", b"\x24\x01", b"\xff" * 40, b"\x01\x24\x09"])
def test_damaged_options_are_refused(content: bytes) -> None:
    with pytest.raises(BadModel, match=r"\.$"):
        FlexFile(content).map()


def test_the_index_lists_every_file(compiled_folder: Path, compiled_models: tuple[Path, ...]) -> None:
    with (compiled_folder / "INDEX.csv").open(newline="") as file:
        listed = {row["file"]: int(row["bytes"]) for row in csv.DictReader(file)}
    for path in compiled_models:
        assert listed[str(path.relative_to(compiled_folder))] == path.stat().st_size
