"""How a release's int8 form is chosen, and that its files belong together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.dataset import Dataset
from tests.models.networks import SMALL
from tests.search.pictures import write_pictures

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Release:
    """A trained network with the files made of it."""

    trained: Path
    dataset: Dataset
    folder: Path
    quantized: Any


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    from search.quantizing import quantize_best
    from search.train import train

    folder = tmp_path_factory.mktemp("release")
    dataset = write_pictures(folder / "data")
    trained = train(SMALL, dataset, folder / "trial", seed=1, epochs=12).checkpoint
    return Release(trained, dataset, folder, quantize_best(trained, dataset, folder / "files", seed=7))


def test_what_was_tried_is_recorded_with_its_validation_accuracy(release: Release) -> None:
    from search.quantizing import METHODS, calibration_pictures

    found = release.quantized.to_json()
    json.dumps(found, allow_nan=False)
    tried = {candidate["way"]: candidate["validation_accuracy"] for candidate in found["tried"]}
    assert {"plain", "corrected"} <= set(tried)
    assert all(0 <= candidate["distance"] < 0.5 for candidate in found["tried"])
    assert found["method"] == METHODS[found["way"]]
    pictures = calibration_pictures(release.dataset, 7)
    assert (found["calibration_seed"], found["calibration_count"]) == (7, len(pictures))
    assert found["calibration_sha256"] == hashlib.sha256(pictures.tobytes()).hexdigest()


def test_checkpoint_and_recorded_calibration_give_the_released_files_to_the_byte(
    release: Release, tmp_path: Path
) -> None:
    from search.quantizing import convert

    again = convert(release.quantized.checkpoint, release.dataset, tmp_path, seed=release.quantized.seed)
    assert again.int8.read_bytes() == release.quantized.files.int8.read_bytes()
    assert again.uint8.read_bytes() == release.quantized.files.uint8.read_bytes()


def test_validation_compares_with_the_network_as_it_was_trained(release: Release) -> None:
    from search.answers import classify_float, classify_int8
    from search.judge import validate_on_cpu

    files, test = release.quantized.files, release.dataset.test
    found = validate_on_cpu(release.quantized.checkpoint, files, release.dataset, trained=release.trained)
    json.dumps(found, allow_nan=False)
    right = classify_float(release.trained, test.images).argmax(axis=1) == test.labels
    assert found["float"]["accuracy"] == pytest.approx(right.mean())
    changed = classify_float(release.quantized.checkpoint, test.images).argmax(axis=1) == test.labels
    assert found["checkpoint_accuracy"] == pytest.approx(changed.mean())
    right = classify_int8(files.int8, test.images).argmax(axis=1) == test.labels
    assert found["int8"]["accuracy"] == pytest.approx(right.mean())
    moved = [one != other for one, other in zip(found["float"]["recall"], found["int8"]["recall"], strict=True)]
    assert len(found["class_changes"]) == sum(moved)


def test_every_layer_of_the_int8_file_is_compared_and_the_worst_stands_first(release: Release) -> None:
    from edgetpu.tflite import read_graph
    from models.fidelity import layer_fidelity

    quantized, pictures = release.quantized, release.dataset.validation.images
    layers = layer_fidelity(quantized.checkpoint, quantized.files.int8, pictures)
    compared = [op for op in read_graph(quantized.files.int8).ops if op.kind != "SOFTMAX"]
    assert len(layers) == len(compared)
    assert {"stem", "block2_depthwise", "block2_add", "pool", "logits"} <= {layer.name for layer in layers}
    ratios = [layer.signal_to_noise_db for layer in layers]
    assert ratios == sorted(ratios)
    assert ratios[0] > 10
    assert next(layer for layer in layers if layer.name == "stem").error_share < 0.05


def test_a_layer_whose_weights_were_spoiled_is_named_as_the_worst(release: Release, tmp_path: Path) -> None:
    """One weight a thousand times too large leaves the others of a dense layer no steps of the grid."""
    from models.correct import load_network
    from models.fidelity import layer_fidelity
    from models.quantize import quantize_to
    from search.quantizing import calibration_pictures

    network = load_network(release.trained)
    dense = network.get_layer("logits")
    kernel = np.asarray(dense.kernel).copy()
    kernel[0, 0] = 1000 * np.abs(kernel).max()
    dense.kernel.assign(kernel)
    network.save(tmp_path / "spoiled.keras")
    quantize_to(tmp_path / "spoiled.keras", calibration_pictures(release.dataset, 0), tmp_path / "spoiled.tflite")
    before = layer_fidelity(release.quantized.checkpoint, release.quantized.files.int8, release.dataset.test.images)
    spoiled = layer_fidelity(tmp_path / "spoiled.keras", tmp_path / "spoiled.tflite", release.dataset.test.images)
    rank = {layer.name: layer.signal_to_noise_db for layer in before}
    assert rank["logits"] - next(each for each in spoiled if each.name == "logits").signal_to_noise_db > 0


def test_training_for_int8_is_tried_where_int8_loses_too_much(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from search import quantizing

    monkeypatch.setattr(quantizing._Trial, "loses", True)
    phases: list[str] = []
    found = quantizing.quantize_best(release.trained, release.dataset, tmp_path, seed=1, on_phase=phases.append)
    assert [candidate.way for candidate in found.tried] == ["plain", "corrected", "trained"]
    assert found.tried[2].accuracy >= found.float_accuracy - 0.05
    assert phases[:3] == ["Converting to int8", "Correcting weights for int8", "Training for int8, 0 %"]


def test_a_network_that_cannot_be_corrected_is_released_as_it_is(release: Release, tmp_path: Path) -> None:
    import keras

    from search.quantizing import quantize_best

    image = keras.Input((16, 16, 3), name="image")
    twice = keras.layers.Conv2D(3, 3, padding="same", activation="relu", name="twice")
    pooled = keras.layers.GlobalAveragePooling2D()(twice(twice(image)))
    keras.Model(image, keras.layers.Softmax()(keras.layers.Dense(3)(pooled))).save(tmp_path / "twice.keras")
    found = quantize_best(tmp_path / "twice.keras", release.dataset, tmp_path / "files")
    assert found.chosen.way == "plain"
    assert "'twice' is used at several places" in found.failed["corrected"]
    assert found.files.int8.is_file()


@pytest.mark.parametrize("gap", [-1.0, 1.0])  # weights are corrected, or not, whatever int8 answers
def test_a_trials_accuracy_is_that_of_the_int8_file_beside_it_corrected_or_not(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gap: float
) -> None:
    from models.quantize import INT8_FILE
    from search import judge
    from search.answers import classify_int8
    from search.spec import SearchSpec

    monkeypatch.setattr(judge, "CORRECTION_GAP", gap)
    spec = SearchSpec(classes=3, image_px=16, latency_limit_ms=5.0, device="devboard", seed=1)
    outcome = judge.judge_trial(SMALL, release.dataset, spec, tmp_path, epochs=4)
    validation = release.dataset.validation
    guesses = classify_int8(tmp_path / INT8_FILE, validation.images).argmax(axis=1)
    assert outcome.validation_accuracy == pytest.approx((guesses == validation.labels).mean())
    assert not (tmp_path / "corrected.keras").exists()
