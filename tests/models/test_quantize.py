from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgetpu.graph import Graph, Quantization
from models.architecture import Architecture, Block
from models.errors import QuantizationFailed
from models.quantize import check_for_compiler, quantize_to

GRAPH = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8),), 16).graph(3)


def _with_op(kind: str, **changes: object) -> Graph:
    return replace(GRAPH, ops=tuple(replace(op, **changes) if op.kind == kind else op for op in GRAPH.ops))


def test_a_good_graph_passes() -> None:
    check_for_compiler(GRAPH)


def test_an_operation_newer_than_the_compiler_is_refused_by_name() -> None:
    with pytest.raises(QuantizationFailed, match=r"CONV_2D 'stem'.*version 6"):
        check_for_compiler(_with_op("CONV_2D", version=6))


def test_an_operation_that_the_chip_does_not_know_is_refused_by_name() -> None:
    ops = tuple(replace(op, kind="HARD_SWISH") if op.name == "block1_expand" else op for op in GRAPH.ops)
    with pytest.raises(QuantizationFailed, match="HARD_SWISH 'block1_expand'"):
        check_for_compiler(replace(GRAPH, ops=ops))


def test_a_dense_layer_with_a_scale_per_channel_is_refused() -> None:
    dense = next(op for op in GRAPH.ops if op.kind == "FULLY_CONNECTED")
    tensors = list(GRAPH.tensors)
    tensors[dense.inputs[1]] = replace(tensors[dense.inputs[1]], quantization=Quantization((1.0,) * 3, (0,) * 3))
    with pytest.raises(QuantizationFailed, match=r"FULLY_CONNECTED 'logits'.*scale per output"):
        check_for_compiler(replace(GRAPH, tensors=tuple(tensors)))


def test_an_open_batch_dimension_is_refused() -> None:
    tensors = (replace(GRAPH.tensors[0], shape=(-1, 16, 16, 3)), *GRAPH.tensors[1:])
    with pytest.raises(QuantizationFailed, match="not fixed"):
        check_for_compiler(replace(GRAPH, tensors=tensors))


@pytest.mark.slow
def test_a_network_with_a_layer_that_the_chip_cannot_run_fails_with_a_sentence(tmp_path: Path) -> None:
    import keras

    image = keras.Input((16, 16, 3), name="image")
    elu = keras.layers.Conv2D(4, 3, activation="elu", name="elu")(image)
    network = keras.Model(image, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(elu)))
    network.save(tmp_path / "elu.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    with pytest.raises(QuantizationFailed, match=r"ELU|cannot"):
        quantize_to(tmp_path / "elu.keras", pictures, tmp_path / "elu.tflite")
    assert not (tmp_path / "elu.tflite").exists()
