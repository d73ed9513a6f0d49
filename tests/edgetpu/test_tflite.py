from __future__ import annotations

from pathlib import Path

import flatbuffers
import pytest
import tflite

from edgetpu.errors import BadModel
from edgetpu.schema import DTYPES, OP_KINDS
from edgetpu.tflite import MAX_MODEL_BYTES, read_graph


def test_every_real_model_is_read(source_models: tuple[Path, ...], compiled_models: tuple[Path, ...]) -> None:
    for path in (*source_models, *compiled_models):
        graph = read_graph(path)
        assert graph.ops, path.name
        assert graph.inputs, path.name
        assert graph.outputs, path.name


def test_mobilenet_has_the_layers_of_mobilenet(mobilenet: Path) -> None:
    graph = read_graph(mobilenet)
    first = graph.ops[0]
    image, weights, bias = graph.operands(first)
    assert image is not None
    assert weights is not None
    assert bias is not None
    assert image.shape == (1, 128, 128, 3)
    assert weights.shape == (8, 3, 3, 3)
    assert weights.constant
    assert weights.data is not None
    assert len(weights.data) == weights.elements
    assert bias.dtype == "int32"
    assert first.options["stride_h"] == 2
    assert first.options["padding"] == "SAME"
    assert first.options["fused_activation_function"] == "RELU6"
    assert [op.kind for op in graph.ops].count("DEPTHWISE_CONV_2D") == 13


def test_names_of_operations_and_types_are_those_of_the_schema() -> None:
    kinds = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
    dtypes = {number: name for name, number in vars(tflite.TensorType).items() if isinstance(number, int)}
    assert tuple(kinds[number] for number in sorted(kinds)) == OP_KINDS
    assert tuple(dtypes[number].lower() for number in sorted(dtypes)) == DTYPES


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 64, b"\x1c\0\0\0TFL3" + b"\xff" * 60, b"PK\x03\x04" * 20])
def test_what_is_no_model_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(BadModel, match=r"\.$"):
        read_graph(content)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=r"cannot be read"):
        read_graph(tmp_path / "none.tflite")


def test_a_far_too_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.tflite"
    with path.open("wb") as file:
        file.truncate(MAX_MODEL_BYTES + 10)
    with pytest.raises(BadModel, match="larger than"):
        read_graph(path)


def test_a_model_without_a_network_is_refused() -> None:
    builder = flatbuffers.Builder(64)
    builder.StartObject(8)
    builder.Finish(builder.EndObject(), file_identifier=b"TFL3")
    with pytest.raises(BadModel, match="holds no network"):
        read_graph(bytes(builder.Output()))
