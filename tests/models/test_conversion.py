"""The estimate of an architecture against the file that is really built from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from edgetpu.graph import Graph, Tensor
from edgetpu.latency import estimate
from edgetpu.memory import memory_map
from edgetpu.rules import map_ops
from edgetpu.runtime import run_on_cpu
from edgetpu.tflite import read_graph
from models.architecture import Architecture
from models.families import FAMILIES
from models.network import build_network
from models.quantize import QuantizedFiles, Scale, quantize

CLASSES = 7
FAMILY = FAMILIES["efficientnet_edgetpu"]


@dataclass(frozen=True)
class Built:
    """An architecture with what conversion made of it."""

    architecture: Architecture
    files: QuantizedFiles
    classes: int
    pictures: np.ndarray

    @property
    def graph(self) -> Graph:
        return read_graph(self.files.int8)


def _random_architectures(count: int) -> Iterator[Architecture]:
    random = np.random.default_rng(7)
    while count:
        choices = FAMILY.choices(int(random.choice([24, 32, 48])))
        architecture = FAMILY.build({name: values[random.integers(len(values))] for name, values in choices.items()})
        if architecture.macs(CLASSES) < 8e6:
            count -= 1
            yield architecture


SMALL = tuple(_random_architectures(2))
NAMES = (*(each.key for each in SMALL), "efficientnet-edgetpu-s")


@pytest.fixture(scope="module", params=[*SMALL, FAMILY.published["efficientnet-edgetpu-s"]], ids=NAMES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    architecture: Architecture = request.param
    classes, count = (CLASSES, 12) if architecture in SMALL else (1000, 2)
    folder, side = tmp_path_factory.mktemp("built"), architecture.image_px
    network = build_network(architecture, classes, seed=3)
    network.get_layer("logits").bias.assign(np.linspace(-1, 1, classes))  # conversion leaves out a bias of zeros
    network.save(folder / "checkpoint.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return Built(architecture, quantize(folder / "checkpoint.keras", pictures, folder), classes, pictures)


@pytest.mark.slow
def test_the_converted_file_is_the_graph_that_was_foretold(built: Built) -> None:
    foretold, converted = built.architecture.graph(built.classes), built.graph
    assert [op.kind for op in converted.ops] == [op.kind for op in foretold.ops]
    assert [op.version for op in converted.ops] == [op.version for op in foretold.ops]
    for ours, theirs in zip(foretold.ops, converted.ops, strict=True):
        assert {name: theirs.options[name] for name in ours.options} == ours.options
        assert [_form(each) for each in foretold.results(ours)] == [_form(each) for each in converted.results(theirs)]
        assert sorted(map(_form, foretold.operands(ours))) == sorted(map(_form, converted.operands(theirs)))


def _form(tensor: Tensor | None) -> tuple[object, ...]:
    assert tensor is not None
    scales = len(tensor.quantization.scales) if tensor.quantization else 0
    return tensor.shape, tensor.dtype, scales, tensor.constant


@pytest.mark.slow
def test_memory_and_latency_are_those_of_the_converted_file(built: Built) -> None:
    foretold, converted = built.architecture.graph(built.classes), built.graph
    for capacity in (50_000, 8 * 2**20):
        ours, theirs = memory_map(foretold, capacity), memory_map(converted, capacity)
        assert [layer.parameter_bytes for layer in ours.layers] == [layer.parameter_bytes for layer in theirs.layers]
        assert (ours.cached_bytes, ours.streamed_bytes) == (theirs.cached_bytes, theirs.streamed_bytes)
    for device in ("devboard", "usb3", "usb2"):
        assert estimate(foretold, device).ms == estimate(converted, device).ms


@pytest.mark.slow
def test_the_whole_file_maps_to_the_chip_and_has_a_fixed_batch_of_one(built: Built) -> None:
    for path in (built.files.int8, built.files.uint8):
        graph = read_graph(path)
        assert all(verdict.mapped for verdict in map_ops(graph))
        assert not any(tensor.dynamic for tensor in graph.tensors)
        assert graph.tensors[graph.inputs[0]].shape[0] == 1


@pytest.mark.slow
def test_a_pixel_is_the_input_value_as_it_is(built: Built) -> None:
    assert built.files.int8_input == Scale(1 / 128, -1)
    assert built.files.uint8_input == Scale(1 / 128, 127)
    assert built.files.int8_output == Scale(1 / 256, -128)
    assert built.files.uint8_output == Scale(1 / 256, 0)


@pytest.mark.slow
def test_int8_and_uint8_variants_answer_the_same(built: Built) -> None:
    signed = run_on_cpu(built.files.int8, (built.pictures ^ 0x80).view(np.int8), kernels="optimized")
    unsigned = run_on_cpu(built.files.uint8, built.pictures, kernels="optimized")
    assert np.array_equal(signed.astype(int) + 128, unsigned.astype(int))


@pytest.mark.slow
def test_the_same_pictures_calibrate_the_same(built: Built) -> None:
    assert built.files.calibration_count == len(built.pictures)
    assert len(built.files.calibration_sha256) == 64
