from __future__ import annotations

import math
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from edgetpu.graph import Graph, Op, Quantization, Tensor
from edgetpu.op_rules import MAPPED_KINDS, NEWEST_VERSIONS
from edgetpu.rulebook import BAD_STRIDES, BAD_TYPE, BAD_VERSION, MAPPED, NOT_SUPPORTED, SECOND_PART, all_rules
from edgetpu.rules import first_obstacle, map_ops, mapped_ops
from edgetpu.rules_page import PAGE, rules_page
from edgetpu.sketch import Sketch
from edgetpu.tflite import read_graph

ROOT = Path(__file__).resolve().parents[2]


def changed_op(graph: Graph, index: int, **changes: object) -> Graph:
    ops = list(graph.ops)
    ops[index] = replace(ops[index], **changes)  # type: ignore[arg-type]
    return replace(graph, ops=tuple(ops))


def changed_tensor(graph: Graph, index: int, **changes: object) -> Graph:
    tensors = list(graph.tensors)
    tensors[index] = replace(tensors[index], **changes)  # type: ignore[arg-type]
    return replace(graph, tensors=tuple(tensors))


def with_numbers(graph: Graph, operand: int, *numbers: int) -> Graph:
    """Give the only operation one more operand, a constant of whole numbers."""
    data = struct.pack(f"<{len(numbers)}i", *numbers)
    constant = Tensor("numbers", (len(numbers),), "int32", constant=True, data=data)
    op = graph.ops[0]
    inputs = (*op.inputs[:operand], len(graph.tensors), *op.inputs[operand + 1 :])
    return replace(graph, tensors=(*graph.tensors, constant), ops=(replace(op, inputs=inputs),))


def convolution() -> Graph:
    sketch = Sketch((8, 8, 4))
    return sketch.graph(sketch.conv(sketch.inputs[0], 8, 3))


def one_op(kind: str, **options: int | str) -> Graph:
    sketch = Sketch((8, 8, 4))
    return sketch.graph(sketch.op(kind, sketch.inputs, (8, 8, 4), **options))


def broken(graph: Graph) -> tuple[str, str]:
    verdict = map_ops(graph)[0]
    assert not verdict.mapped
    assert verdict.reason.endswith(".")
    return verdict.rule, verdict.compiler_status


def test_an_ordinary_network_is_mapped_whole() -> None:
    verdicts = map_ops(convolution())
    assert all(verdict.mapped and not verdict.reason and verdict.compiler_status == MAPPED for verdict in verdicts)


def test_a_graph_without_weights_is_judged_like_one_with() -> None:
    assert all(mapped_ops(convolution()))


@pytest.mark.parametrize("kind", ["LEAKY_RELU", "GATHER", "HARD_SWISH", "DEQUANTIZE", "ARG_MAX"])
def test_an_operation_that_the_chip_lacks_is_not_supported(kind: str) -> None:
    assert broken(one_op(kind)) == ("known_operation", NOT_SUPPORTED)


def test_a_custom_operation_is_named_in_the_reason() -> None:
    graph = changed_op(one_op("CUSTOM"), 0, custom_code="TFLite_Detection_PostProcess")
    assert "TFLite_Detection_PostProcess" in map_ops(graph)[0].reason


@pytest.mark.parametrize(("kind", "version"), [("CONV_2D", 6), ("TRANSPOSE_CONV", 4), ("QUANTIZE", 3)])
def test_versions_newer_than_the_compiler_are_refused(kind: str, version: int) -> None:
    graph = changed_op(convolution(), 0, kind=kind, version=version)
    assert broken(graph) == ("known_version", BAD_VERSION)


def test_unequal_dilation_is_refused() -> None:
    graph = changed_op(convolution(), 0, options={"dilation_h_factor": 2, "dilation_w_factor": 1})
    assert broken(graph)[0] == "same_dilation"


@pytest.mark.parametrize("kind", ["MAX_POOL_2D", "AVERAGE_POOL_2D", "CONCATENATION"])
def test_a_fused_activation_on_pooling_or_concatenation_is_refused(kind: str) -> None:
    assert broken(one_op(kind, fused_activation_function="RELU"))[0] == "no_fused_activation"
    assert map_ops(one_op(kind, fused_activation_function="NONE"))[0].mapped


def test_dense_weights_with_a_scale_per_output_are_refused() -> None:
    sketch = Sketch((16,))
    graph = sketch.graph(sketch.dense(sketch.inputs[0], 4))
    scales = Quantization((0.1, 0.2, 0.3, 0.4), (0, 0, 0, 0))
    assert map_ops(graph)[0].mapped
    assert (
        broken(changed_tensor(graph, graph.ops[0].inputs[1], quantization=scales))[0] == "one_scale_for_dense_weights"
    )


@pytest.mark.parametrize("scale", [0.0, math.inf, math.nan])
@pytest.mark.parametrize("others", [(), (1.0, 1.0)])
def test_scales_that_crash_the_compiler_are_refused(scale: float, others: tuple[float, ...]) -> None:
    scales = (*others, scale)
    graph = changed_tensor(convolution(), 0, quantization=Quantization(scales, (0,) * len(scales)))
    assert broken(graph)[0] == "finite_scales"


def test_floating_point_stays_on_the_cpu() -> None:
    graph = changed_tensor(convolution(), 0, dtype="float32", quantization=None)
    assert broken(graph) == ("integer_types", BAD_TYPE)


def test_activations_without_a_scale_are_refused() -> None:
    assert broken(changed_tensor(convolution(), 0, quantization=None))[0] == "quantized_activations"


def test_a_shape_that_is_not_fixed_is_refused() -> None:
    assert broken(changed_tensor(convolution(), 0, shape=(1, -1, 8, 4)))[0] == "static_shapes"


def test_a_batch_larger_than_one_is_refused() -> None:
    assert broken(changed_tensor(convolution(), 0, shape=(2, 8, 8, 4)))[0] == "three_inner_dimensions"


def test_five_dimensions_are_fine_if_the_outer_ones_are_1() -> None:
    assert map_ops(changed_tensor(one_op("RELU"), 0, shape=(1, 1, 8, 8, 4)))[0].mapped


def test_a_slice_that_skips_elements_is_refused() -> None:
    graph = one_op("STRIDED_SLICE")
    graph = with_numbers(with_numbers(with_numbers(graph, 1, 0, 0, 0, 0), 2, 1, 8, 8, 4), 3, 1, 2, 2, 1)
    assert broken(graph) == ("unit_strides", BAD_STRIDES)


def test_reductions_and_padding_must_leave_the_batch_alone() -> None:
    assert broken(with_numbers(one_op("MEAN"), 1, 0, 1))[0] == "not_over_batch"
    assert map_ops(with_numbers(one_op("MEAN"), 1, 1, 2))[0].mapped
    assert broken(with_numbers(one_op("PAD"), 1, 1, 0, 0, 0, 0, 0, 0, 0))[0] == "no_padded_batch"


def test_a_mean_over_channels_needs_whole_blocks_of_four() -> None:
    graph = with_numbers(one_op("MEAN"), 1, -1)
    assert map_ops(graph)[0].mapped
    assert broken(changed_tensor(graph, 0, shape=(1, 8, 8, 6)))[0] == "mean_over_whole_channel_blocks"


def test_a_size_computed_at_run_time_is_refused() -> None:
    sketch = Sketch((8, 8, 4), (4,))
    graph = sketch.graph(sketch.op("RESHAPE", sketch.inputs, (256,)))
    assert broken(graph)[0] == "constant_arguments"


def test_a_softmax_over_too_many_values_is_refused() -> None:
    sketch = Sketch((16_001,))
    assert broken(sketch.graph(sketch.like(sketch.inputs[0], "SOFTMAX")))[0] == "softmax_of_16000"


def test_what_needs_the_cpus_result_comes_too_late() -> None:
    sketch = Sketch((8, 8, 4))
    first = sketch.conv(sketch.inputs[0], 8)
    lost = sketch.like(first, "LEAKY_RELU")
    beside = sketch.conv(first, 8)
    after = sketch.conv(lost, 8)
    verdicts = map_ops(sketch.graph(beside, after))
    assert [verdict.mapped for verdict in verdicts] == [True, False, True, False]
    assert verdicts[3].compiler_status == SECOND_PART
    obstacle = first_obstacle(verdicts)
    assert obstacle is not None
    assert obstacle.kind == "LEAKY_RELU"


def test_a_float_input_is_converted_on_the_cpu_and_the_rest_is_mapped() -> None:
    """As in the real log oplog_cocompile_face_detection_front: the first QUANTIZE is not mapped, all after it is."""
    sketch = Sketch((8, 8, 4))
    sketch.conv(sketch.like(sketch.inputs[0], "QUANTIZE"), 8)
    graph = changed_tensor(sketch.graph(), 0, dtype="float32", quantization=None)
    assert [verdict.mapped for verdict in map_ops(graph)] == [False, True]


def test_our_verdict_is_the_compilers_on_every_real_pair(pairs: tuple[tuple[Path, Path], ...]) -> None:
    for compiled, source in pairs:
        left = {op.name for op in read_graph(compiled).ops if op.custom_code != "edgetpu-custom-op"}
        for verdict in map_ops(read_graph(source)):
            assert verdict.mapped == (verdict.name not in left), (compiled.name, verdict)


def test_every_kind_that_is_mapped_has_a_newest_version() -> None:
    assert set(NEWEST_VERSIONS) >= MAPPED_KINDS


def test_every_rule_has_a_sentence_for_users() -> None:
    for rule in all_rules():
        assert rule.sentence.endswith("."), rule.name


def test_the_page_of_rules_is_up_to_date() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == rules_page(), "run: python -m edgetpu.rules_page"


def test_an_operation_without_inputs_or_outputs_does_not_break_the_judge() -> None:
    graph = Graph((), (Op("RESIZE_BILINEAR", (), ()), Op("MEAN", (), ())), (), ())
    assert len(map_ops(graph)) == 2
