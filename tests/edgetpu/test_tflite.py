from __future__ import annotations

from pathlib import Path

import flatbuffers
import pytest
import tflite

from edgetpu.errors import BadModel
from edgetpu.flatbuffer import FlatFile
from edgetpu.schema import DTYPES, OP_KINDS, known_option_tables, option_fields
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


def test_fields_of_options_lie_where_the_generated_classes_read_them() -> None:
    """Each field of ours is written by the builder of the `tflite` package and read back by our reader."""
    unions = {number: name for name, number in vars(tflite.BuiltinOptions).items() if isinstance(number, int)}
    for number in known_option_tables():
        options = getattr(tflite, unions[number])
        for field in option_fields(number):
            if field.code == "v":
                continue
            other = 1 - field.default
            content = options_with(unions[number], field.name, other)
            written = getattr(options.GetRootAs(content, 0), camel(field.name))()
            ours = FlatFile(content).root()
            read = ours.real(field.slot) if field.code == "f" else ours.integer(field.slot, "b", field.default)
            assert read == written == other, (unions[number], field.name)


def options_with(name: str, field: str, number: int) -> bytes:
    """Write an options table with one field."""
    builder = flatbuffers.Builder(64)
    getattr(tflite, f"{name}Start")(builder)
    getattr(tflite, f"{name}Add{camel(field)}")(builder, number)
    builder.Finish(getattr(tflite, f"{name}End")(builder))
    return bytes(builder.Output())


def camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def test_defaults_of_options_are_those_of_the_generated_classes() -> None:
    unions = {number: name for name, number in vars(tflite.BuiltinOptions).items() if isinstance(number, int)}
    for number in known_option_tables():
        builder = flatbuffers.Builder(64)
        builder.StartObject(12)
        builder.Finish(builder.EndObject())
        empty = getattr(tflite, unions[number]).GetRootAs(bytes(builder.Output()), 0)
        for field in option_fields(number):
            if field.code != "v":
                assert getattr(empty, camel(field.name))() == field.default, (unions[number], field.name)


def test_a_free_batch_counts_as_one_and_any_other_free_dimension_as_unknown() -> None:
    assert read_graph(a_model((1, 8, 8, 3), (-1, 8, 8, 3))).tensors[0].shape == (1, 8, 8, 3)
    assert read_graph(a_model((1, 1, 8, 3), (1, -1, 8, 3))).tensors[0].shape == (1, -1, 8, 3)
    assert read_graph(a_model((1, 1, 8, 3), (1, -1, 8, 3))).tensors[0].dynamic


def a_model(shape: tuple[int, ...], signature: tuple[int, ...]) -> bytes:
    """Write a model of one input tensor that is also its output."""
    from ai_edge_litert import schema_py_generated as schema

    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.shapeSignature = b"input", list(shape), list(signature)
    tensor.type = schema.TensorType.INT8
    main = schema.SubGraphT()
    main.tensors, main.inputs, main.outputs, main.operators = [tensor], [0], [0], []
    model = schema.ModelT()
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [main], [schema.BufferT()], []
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
