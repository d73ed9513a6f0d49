"""Networks changed for int8: what they compute, and that they stay plain checkpoints."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models.networks import pictures_of_noise, write_network

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("qat") / "checkpoint.keras")


def _answers(network: Any) -> np.ndarray:
    from models.correct import as_input

    return np.asarray(network(as_input(pictures_of_noise()), training=False))


def test_a_folded_kernel_written_back_computes_the_same_and_states_true_statistics(checkpoint: Path) -> None:
    from models.correct import load_network, renew_statistics
    from models.folding import chains_of, fold, unfold
    from models.qat import _statistics

    network = load_network(checkpoint)
    before, chains = _answers(network), chains_of(network)
    normed = {name: chain for name, chain in chains.items() if chain.norm is not None}
    assert set(chains) - set(normed) == {"logits"}
    folded = {name: fold(chain) for name, chain in normed.items()}
    for name, (kernel, bias) in folded.items():
        unfold(normed[name], kernel, bias, np.zeros_like(bias), np.ones_like(bias))
    np.testing.assert_allclose(_answers(network), before, atol=1e-5)
    statistics = _statistics(network, normed, pictures_of_noise())
    for name, (kernel, bias) in folded.items():
        unfold(normed[name], kernel, bias, *statistics[name])
    np.testing.assert_allclose(_answers(network), before, atol=1e-5)
    stated = {
        name: np.asarray(chain.norm.moving_mean).copy() for name, chain in normed.items() if chain.norm is not None
    }
    renew_statistics(network, pictures_of_noise())
    for name, chain in normed.items():
        assert chain.norm is not None
        np.testing.assert_allclose(np.asarray(chain.norm.moving_mean), stated[name], rtol=0.02, atol=0.02)


def test_a_snapped_kernel_lies_on_the_grid_of_its_channel_and_a_dense_one_on_one_grid(checkpoint: Path) -> None:
    from models.correct import load_network
    from models.folding import channels_of, snapped

    network = load_network(checkpoint)
    for name in ("block1_expand", "block2_depthwise", "logits"):
        layer = network.get_layer(name)
        exact = np.asarray(layer.kernel)
        kernel = snapped(layer, exact).reshape(-1, channels_of(layer))
        scales = np.abs(kernel).max(axis=None if name == "logits" else 0, keepdims=True) / 127
        steps = kernel / scales
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
        assert np.all(np.abs(kernel - exact.reshape(kernel.shape)) <= scales / 2 + 1e-7)


def test_the_student_starts_as_the_network_with_int8_rounding(checkpoint: Path) -> None:
    from models.correct import as_input, load_network
    from models.folding import chains_of
    from models.qat import _student

    network = load_network(checkpoint)
    student = _student(network, chains_of(network))
    rounded = {layer.name for layer in student.layers if layer.name.endswith("_rounded")}
    assert {"stem_relu_rounded", "block1_project_norm_rounded", "block2_add_rounded", "logits_rounded"} <= rounded
    assert not {"stem_rounded", "stem_norm_rounded", "probabilities_rounded", "image_rounded"} & rounded
    student(as_input(pictures_of_noise()), training=True)  # lets the ranges of activations be found
    found = np.asarray(student(as_input(pictures_of_noise()), training=False))
    exact = _answers(network)
    assert 1e-6 < np.abs(found - exact).max() < 0.1


def test_training_for_int8_leaves_a_plain_checkpoint_whose_int8_file_answers_like_it(
    checkpoint: Path, tmp_path: Path
) -> None:
    from models.correct import load_network
    from models.qat import train_for_int8
    from models.quantize import quantize_to
    from search.answers import classify_int8

    shares: list[float] = []
    target, pictures = tmp_path / "trained.keras", pictures_of_noise(64)
    train_for_int8(checkpoint, pictures, target, seed=1, steps=25, on_share=shares.append)
    assert shares == [0.0, 0.8]
    trained, before = load_network(target), load_network(checkpoint)
    assert [type(layer) for layer in trained.layers] == [type(layer) for layer in before.layers]
    assert "models.fake_quant" not in zipfile.ZipFile(target).read("config.json").decode()
    assert not np.allclose(trained.get_layer("stem").kernel, before.get_layer("stem").kernel)
    quantize_to(target, pictures, tmp_path / "trained.tflite")
    found = (classify_int8(tmp_path / "trained.tflite", pictures_of_noise()).astype(float) + 128) / 256
    assert np.abs(found - _answers(trained)).max() < 0.1


def test_training_further_from_a_corrected_network_does_not_begin_anew(checkpoint: Path, tmp_path: Path) -> None:
    """In training mode batch norm takes the statistics of the batch: the stated ones must be about those."""
    from models.correct import as_input, correct, load_network

    pictures = pictures_of_noise(64)
    correct(checkpoint, pictures, tmp_path / "corrected.keras", seed=1)
    network = load_network(tmp_path / "corrected.keras")
    for layer in network.layers:
        if "dropout" in layer.name:
            layer.rate = 0.0
    in_training = np.asarray(network(as_input(pictures), training=True))
    assert np.abs(in_training - np.asarray(network(as_input(pictures), training=False))).max() < 0.1


def test_a_layer_that_is_used_twice_is_refused_by_name() -> None:
    import keras

    from models.errors import QuantizationFailed
    from models.folding import chains_of

    image = keras.Input((8, 8, 3))
    twice = keras.layers.Conv2D(3, 3, padding="same", name="twice")
    with pytest.raises(QuantizationFailed, match="'twice' is used at several places"):
        chains_of(keras.Model(image, twice(twice(image))))
