from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgetpu.graph import Graph, Op, Quantization, Tensor
from edgetpu.tflite import read_graph
from models.architecture import Architecture, Block
from models.errors import ModelError, NetworkUnreadable
from models.families import FAMILIES

pytestmark = pytest.mark.slow

PRETRAINED, SOURCES = Path("data/pretrained"), Path("data/edgetpu/compiled/source")
SMALL = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8), Block("depthwise", 3, 1, 16, 8)), 16)
Answer = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
STEPS = 1.5
"""Classes whose logits are at most one 8-bit step apart are equally good answers."""


def pictures(shared_dir: Path, side: int) -> list[NDArray[np.uint8]]:
    paths = sorted(each for each in (shared_dir / "data" / "images").iterdir() if each.suffix in (".bmp", ".jpg"))
    return [np.asarray(Image.open(path).convert("RGB").resize((side, side))) for path in paths]


def logits_of_file(path: Path) -> tuple[Answer, float]:
    """Return what gives the real-valued logits that the 8-bit file computes, and how much one 8-bit step is."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    graph = read_graph(path)
    position = next(op.inputs[0] for op in graph.ops if op.kind == "SOFTMAX")
    quantization = graph.tensors[position].quantization
    assert quantization is not None
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    runner = Interpreter(
        str(path), experimental_preserve_all_tensors=True, experimental_op_resolver_type=resolver, num_threads=1
    )
    runner.allocate_tensors()

    def answer(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
        runner.set_tensor(runner.get_input_details()[0]["index"], picture[None])
        runner.invoke()
        integers = runner.get_tensor(position).astype(np.float64).ravel()
        real: NDArray[np.float64] = (integers - quantization.zero_points[0]) * quantization.scales[0]
        return real

    return answer, quantization.scales[0]


def logits_of_network(network: Any) -> Answer:
    import keras

    softmax = next(layer for layer in network.layers if isinstance(layer, keras.layers.Softmax))
    logits = keras.Model(network.input, softmax.input)
    return lambda picture: np.asarray(logits((picture[None].astype(np.float32) - 127) / 128), np.float64).ravel()


def cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize(
    "file",
    [
        PRETRAINED / "tf2_mobilenet_v2_1.0_224_ptq.tflite",
        PRETRAINED / "mobilenet_v2_1.0_224_inat_bird_quant.tflite",
        SOURCES / "mobilenet_v2_1.0_224_quant.tflite",
        SOURCES / "mobilenet_v1_0.25_128_quant.tflite",
        SOURCES / "mobilenet_v1_0.5_160_quant.tflite",
    ],
    ids=lambda file: file.stem,
)
def test_a_published_network_answers_like_its_file(shared_dir: Path, file: Path) -> None:
    from models.pretrained import load_network

    network = load_network(shared_dir / file)
    ours, (theirs, step) = logits_of_network(network), logits_of_file(shared_dir / file)
    answers = [(ours(picture), theirs(picture)) for picture in pictures(shared_dir, network.input_shape[1])]
    assert len(answers) == 9
    assert all(other[one.argmax()] > other.max() - STEPS * step for one, other in answers)
    assert np.mean([cosine(*each) for each in answers]) > 0.99


def test_a_published_network_is_one_of_its_family_with_weights_that_learn(shared_dir: Path) -> None:
    from models.pretrained import load_parent

    parent = load_parent(shared_dir / PRETRAINED / "tf2_mobilenet_v2_1.0_224_ptq.tflite")
    assert parent.architecture in FAMILIES["mobilenet_v2"].published.values()
    assert parent.classes == 1001
    assert parent.network.count_params() > parent.architecture.parameters(1001)
    norm = parent.network.get_layer("block3_expand_norm")
    kernel = parent.network.get_layer("block3_expand").kernel
    assert norm.trainable
    assert kernel.trainable
    np.testing.assert_allclose(np.asarray(norm.moving_variance) + norm.epsilon, 1, rtol=1e-6)


def test_a_file_of_no_family_is_refused_as_a_parent_with_a_sentence(shared_dir: Path) -> None:
    from models.pretrained import load_network, load_parent

    segments = shared_dir / SOURCES / "deeplabv3_mnv2_dm05_pascal_quant.tflite"
    with pytest.raises(NetworkUnreadable, match="does not end with classes"):
        load_parent(segments)
    with pytest.raises(NetworkUnreadable, match=r"RESIZE_BILINEAR .* has no counterpart"):
        load_network(segments)


def test_an_embedding_extractor_becomes_a_network_without_a_head(shared_dir: Path) -> None:
    from models.pretrained import load_network

    network = load_network(shared_dir / SOURCES / "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite")
    assert network.output_shape == (None, 1, 1, 1024)


def test_a_checkpoint_comes_back_with_its_architecture_and_weights(tmp_path: Path) -> None:
    from models.network import build_network
    from models.pretrained import load_parent

    network = build_network(SMALL, 7, seed=3)
    network.save(tmp_path / "checkpoint.keras")
    (tmp_path / "architecture.json").write_text(json.dumps(SMALL.to_json()))
    parent = load_parent(tmp_path / "checkpoint.keras")
    assert parent.architecture == SMALL
    assert parent.classes == 7
    for one, other in zip(network.get_weights(), parent.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_checkpoint_that_does_not_fit_its_architecture_is_refused(tmp_path: Path) -> None:
    from models.network import build_network
    from models.pretrained import load_parent

    build_network(SMALL, 7, seed=3).save(tmp_path / "checkpoint.keras")
    with pytest.raises(NetworkUnreadable, match=r"no readable architecture\.json"):
        load_parent(tmp_path / "checkpoint.keras")
    wider = Architecture("efficientnet_edgetpu", 16, 16, SMALL.blocks, 16)
    (tmp_path / "architecture.json").write_text(json.dumps(wider.to_json()))
    with pytest.raises(NetworkUnreadable, match="not the network that"):
        load_parent(tmp_path / "checkpoint.keras")
    (tmp_path / "checkpoint.keras").write_bytes(b"no zip")
    with pytest.raises(NetworkUnreadable, match="no checkpoint"):
        load_parent(tmp_path / "checkpoint.keras")


def constant(name: str, values: NDArray[Any], scale: float, zero: int = 0) -> Tensor:
    return Tensor(name, values.shape, str(values.dtype), Quantization((scale,), (zero,)), True, values.tobytes())


def small_graph(op: Op, weights: NDArray[Any], out_shape: tuple[int, ...]) -> Graph:
    image = Tensor("image", (1, 4, 4, 3), "uint8", Quantization((1 / 255,), (0,)))
    out = Tensor("out", out_shape, "uint8", Quantization((0.1,), (0,)))
    bias = constant("bias", np.array([5, -7], np.int32), 0.01)
    return Graph((image, constant("weights", weights, 0.02, 3), bias, out), (op,), (0,), (3,))


def test_pixels_of_another_scale_are_brought_to_ours_exactly() -> None:
    from models.stored_network import network_from

    weights = np.random.default_rng(0).integers(0, 9, (2, 3, 3, 3)).astype(np.uint8)
    options: dict[str, Any] = {"padding": "SAME", "stride_h": 1, "stride_w": 1, "fused_activation_function": "NONE"}
    network = network_from(small_graph(Op("CONV_2D", (0, 1, 2), (3,), 3, options), weights, (1, 4, 4, 2)))
    black, white = np.zeros((1, 4, 4, 3)), np.full((1, 4, 4, 3), 255)
    for pixels, real in ((black, 0.0), (white, 1.0)):
        answer = np.asarray(network((pixels - 127) / 128))[0, 1, 1]
        exact = real * 0.02 * (weights.astype(float) - 3).sum(axis=(1, 2, 3)) + 0.01 * np.array([5, -7])
        np.testing.assert_allclose(answer, np.maximum(exact, 0), atol=1e-5)


def test_an_operation_that_cannot_be_trained_is_named() -> None:
    from models.stored_network import network_from

    weights = np.zeros((2, 3, 3, 3), np.uint8)
    with pytest.raises(ModelError, match="HARD_SWISH 'swish' has no counterpart"):
        network_from(small_graph(Op("HARD_SWISH", (0,), (3,), name="swish"), weights, (1, 4, 4, 3)))
    with pytest.raises(ModelError, match="weights of CONV_2D 'first' have the shape"):
        network_from(small_graph(Op("CONV_2D", (0, 1), (3,), name="first"), weights[0], (1, 4, 4, 2)))
