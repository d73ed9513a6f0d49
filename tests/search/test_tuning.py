from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.architecture import Architecture, Block
from models.families import FAMILIES
from search.dataset import Dataset, Split, load
from search.errors import TrialFailed
from search.progress import Progress
from search.schedule import tuning_schedule_for
from search.tuning import Mirrors, Tuning, rates_of
from tests.search.pictures import write_pictures

SMALL = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8), Block("depthwise", 3, 1, 16, 8)), 16)


class Stopped(Exception):
    """Stands for whatever ends a training from outside."""


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network that has learned three colours."""
    from search.train import train

    folder = tmp_path_factory.mktemp("parent")
    trained = train(SMALL, write_pictures(folder / "data"), folder, seed=1, epochs=12)
    (folder / "architecture.json").write_text(json.dumps(SMALL.to_json()))
    return trained.checkpoint


@pytest.fixture
def stripes(tmp_path: Path) -> Dataset:
    """Pictures with faint stripes, lying or standing, which the parent has never seen."""
    plain = write_pictures(tmp_path / "stripes", classes=2)
    for name, split in plain.splits.items():
        images = np.random.default_rng(3).integers(60, 160, split.images.shape).astype(np.uint8)
        images[split.labels == 0, ::4] += 60
        images[split.labels == 1, :, ::4] += 60
        np.save(tmp_path / "stripes" / f"{name}_images.npy", images)
    return load(tmp_path / "stripes")


@pytest.fixture
def pictures(tmp_path: Path) -> Dataset:
    """Pictures of two colours."""
    return write_pictures(tmp_path / "data", classes=2)


def test_late_stages_learn_faster_than_early_ones_and_the_first_stay_as_they_are() -> None:
    rates = rates_of([["a", "b"], ["c"], ["d"]], ["head"], kept=1, stage_rate=0.5)
    assert rates == {"c": 0.5, "d": 1.0, "head": 1.0}


def test_a_tuning_comes_back_from_its_text() -> None:
    tuning = Tuning({"stem": 0.25, "logits": 1.0}, Mirrors(across=True), norms_learn=True)
    assert Tuning.from_text(tuning.to_text()) == tuning


def test_more_pictures_are_shown_less_often() -> None:
    epochs = [tuning_schedule_for(count).epochs for count in (30, 300, 3000, 30_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert tuning_schedule_for(300, 0).epochs == 0
    assert tuning_schedule_for(300).peak_rate < 2e-3


@pytest.mark.slow
def test_the_stages_of_a_network_are_its_sizes_of_maps_with_whole_blocks() -> None:
    from models.transfer import stages_of

    mobilenet = next(each for each in FAMILIES["mobilenet_v2"].published.values() if each.head_filters == 1280)
    stages = stages_of(mobilenet.layers(10))
    assert len(stages) == 5
    assert stages[0][0] == "stem"
    assert {"block4_expand", "block4_depthwise", "block4_project"} <= set(stages[2])
    assert "head" in stages[-1]
    assert "logits" not in stages[-1]


@pytest.mark.slow
def test_a_head_alone_knows_new_pictures_by_what_the_parent_knows(
    parent: Path, pictures: Dataset, tmp_path: Path
) -> None:
    import keras

    from search.train import train

    trained = train(SMALL, pictures, tmp_path / "child", seed=2, epochs=0, parent=parent)
    assert trained.epochs == 0
    assert trained.validation_accuracy > 0.9
    child, old = keras.models.load_model(trained.checkpoint), keras.models.load_model(parent)
    assert child.output_shape == (None, 2)
    np.testing.assert_array_equal(child.get_layer("block1_expand").kernel, old.get_layer("block1_expand").kernel)


@pytest.mark.slow
def test_tuning_changes_late_layers_and_leaves_early_ones_and_normalizations(
    parent: Path, stripes: Dataset, tmp_path: Path
) -> None:
    import keras

    from search.train import train

    trained = train(SMALL, stripes, tmp_path / "child", seed=2, epochs=6, parent=parent)
    child, old = keras.models.load_model(trained.checkpoint), keras.models.load_model(parent)
    changed = {
        layer.name: any(not np.array_equal(*pair) for pair in zip(layer.get_weights(), before, strict=True))
        for layer in child.layers
        if layer.name != "logits" and (before := old.get_layer(layer.name).get_weights())
    }
    assert not changed["stem"]
    assert changed["block2_project"]
    assert changed["head"]
    for one, other in zip(*(scale_and_shift(each.get_layer("stem_norm")) for each in (child, old)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def scale_and_shift(norm: Any) -> tuple[Any, Any]:
    """Return what a normalization does to what it is fed, however it is written down."""
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - scale * mean


@pytest.mark.slow
def test_where_all_layers_learn_so_do_early_ones_and_normalizations_from_settled_ones(
    parent: Path, stripes: Dataset, tmp_path: Path
) -> None:
    import keras

    from models.network import build_network
    from models.pretrained import load_parent
    from search import takeover
    from search.train import train

    thorough = replace(SMALL, choices={"learns": "all"})
    unsettled = keras.models.load_model(parent)
    for layer in unsettled.layers:
        if isinstance(layer, keras.layers.BatchNormalization):  # as in a file that norms were folded away in
            scale, shift = scale_and_shift(layer)
            identity = np.zeros_like(shift), np.full_like(shift, 1 - layer.epsilon)
            layer.set_weights([scale, shift, *identity])
    folded = tmp_path / "folded" / "checkpoint.keras"
    folded.parent.mkdir()
    unsettled.save(folded)
    (folded.parent / "architecture.json").write_text(json.dumps(SMALL.to_json()))

    child = build_network(SMALL, 2, 0)
    tuning = takeover.take_over(load_parent(folded), child, thorough, stripes, seed=1, folder=tmp_path / "features")
    assert tuning.norms_learn
    assert 0 < tuning.rates["stem"] < tuning.rates["head"]
    mean, variance = child.get_layer("block2_project_norm").get_weights()[2:]
    assert np.abs(mean).max() > 0.01, "it knows what it is fed"
    assert np.abs(variance - 1).max() > 0.01

    trained = train(thorough, stripes, tmp_path / "child", seed=2, epochs=6, parent=folded)
    learned = keras.models.load_model(trained.checkpoint)
    assert not np.array_equal(learned.get_layer("stem").kernel, unsettled.get_layer("stem").kernel)
    assert trained.validation_accuracy > 0.8


@pytest.mark.slow
def test_the_whole_parent_says_how_the_pictures_of_what_was_cut_out_may_be_mirrored(
    parent: Path, pictures: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.network import build_network
    from models.pretrained import load_parent
    from search import takeover
    from search.head import Extractor, Head, mirrors_of

    asked = list[Path]()

    def remember(head: Head, extractor: Extractor, split: Split, folder: Path) -> Mirrors:
        asked.append(folder)
        return mirrors_of(head, extractor, split, folder)

    monkeypatch.setattr(takeover, "mirrors_of", remember)
    source, cut = load_parent(parent), replace(SMALL, blocks=SMALL.blocks[:-1])
    tunings = [
        takeover.take_over(source, build_network(each, 2, 0), each, pictures, seed=1, folder=tmp_path / name)
        for name, each in (("whole", SMALL), ("cut", cut))
    ]
    assert [each.mirrors for each in tunings] == [Mirrors(across=True, down=True)] * 2
    assert asked == [tmp_path / "whole" / "features", tmp_path / "cut" / "features" / "parent"]


@pytest.mark.slow
def test_an_interrupted_tuning_ends_like_one_that_was_not(parent: Path, stripes: Dataset, tmp_path: Path) -> None:
    import keras

    from search.train import train

    def stop_after_one(progress: Progress) -> None:
        if progress.epoch == 1:
            raise Stopped

    said: list[Progress] = []
    whole = train(SMALL, stripes, tmp_path / "whole", seed=1, epochs=3, parent=parent)
    with pytest.raises(Stopped):
        train(SMALL, stripes, tmp_path / "halves", seed=1, epochs=3, parent=parent, on_progress=stop_after_one)
    halves = train(SMALL, stripes, tmp_path / "halves", seed=1, epochs=3, parent=parent, on_progress=said.append)
    assert [progress.epoch for progress in said] == [1, 2, 3]
    one, other = (keras.models.load_model(each.checkpoint).get_weights() for each in (whole, halves))
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_the_network_of_the_last_epoch_is_the_result(parent: Path, pictures: Dataset, tmp_path: Path) -> None:
    """Not the epoch that did best on the validation pictures by chance."""
    from search.answers import classify_float
    from search.train import train

    said: list[Progress] = []
    trained = train(SMALL, pictures, tmp_path / "child", seed=1, epochs=5, parent=parent, on_progress=said.append)
    right = classify_float(trained.checkpoint, pictures.validation.images).argmax(axis=1) == pictures.validation.labels
    assert trained.epochs == said[-1].epoch == 5
    assert trained.validation_accuracy == said[-1].validation_accuracy == pytest.approx(float(right.mean()))


@pytest.mark.slow
def test_a_narrower_network_takes_over_and_lets_its_normalizations_learn(
    parent: Path, pictures: Dataset, tmp_path: Path
) -> None:
    from search.train import STATE, train

    narrow = replace(SMALL, blocks=(Block("fused", 3, 2, 8, 8), Block("depthwise", 3, 1, 8, 8)))
    trained = train(narrow, pictures, tmp_path / "child", seed=2, epochs=1, parent=parent)
    assert trained.epochs == 1
    assert trained.validation_accuracy > 0.8
    with np.load(tmp_path / "child" / STATE) as state:
        tuning = Tuning.from_text(str(state["tuning"]))
    assert tuning.norms_learn
    assert set(tuning.rates.values()) == {1.0}
    assert "stem" in tuning.rates


@pytest.mark.slow
def test_a_parent_that_cannot_be_read_fails_the_trial_with_a_sentence(pictures: Dataset, tmp_path: Path) -> None:
    from search.train import train

    (tmp_path / "network.tflite").write_bytes(b"no network")
    with pytest.raises(TrialFailed, match=r"Nothing can be taken over from network\.tflite: This is not a TensorFlow"):
        train(SMALL, pictures, tmp_path / "child", seed=1, parent=tmp_path / "network.tflite")


@pytest.mark.slow
def test_mirrored_pictures_that_are_another_class_are_noticed() -> None:
    from search.head import _still_known

    labels = np.repeat(np.arange(4), 25)
    right = np.ones(100, bool)
    few_lost, one_class_lost, many_lost = right.copy(), right.copy(), right.copy()
    few_lost[::20] = False
    one_class_lost[:13] = False
    many_lost[::5] = False
    assert _still_known(right, few_lost, labels)
    assert not _still_known(right, one_class_lost, labels)
    assert not _still_known(right, many_lost, labels)


@pytest.mark.slow
def test_a_head_for_two_classes_of_three_never_says_the_third() -> None:
    from search.head import fit_head, judge_on

    random = np.random.default_rng(0)
    labels = np.arange(200) % 2 * 2
    features = (random.normal(size=(200, 5)) + labels[:, None]).astype(np.float32)
    head = fit_head(features, labels, judge_on(features, labels), classes=3)
    assert head.kernel.shape == (5, 3)
    assert np.mean(head.classify(features) == labels) > 0.95


@pytest.mark.slow
def test_half_of_the_pictures_are_mirrored_where_that_is_harmless() -> None:
    import tensorflow as tf

    from search.augment import augment

    images = np.zeros((64, 16, 16, 3), np.uint8)
    images[:, :, :4] = 255
    plain = augment(tf.constant(images), tf.constant((1, 2))).numpy()
    mirrored = augment(tf.constant(images), tf.constant((1, 2)), Mirrors(across=True)).numpy()
    bright_right = (mirrored[:, :, -3:].mean(axis=(1, 2, 3)) > 0).sum()
    assert (plain[:, :, -3:].mean(axis=(1, 2, 3)) > 0).sum() == 0
    assert 20 < bright_right < 44
