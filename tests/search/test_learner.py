from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from models.architecture import Architecture, Block
from tests.search.pictures import write_pictures

pytestmark = pytest.mark.slow

SMALL = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8), Block("depthwise", 3, 1, 16, 8)), 16)


def test_norms_that_learn_can_take_what_they_are_fed_now(tmp_path: Path) -> None:
    from models.network import build_network
    from search.learner import Learner
    from search.tuning import Tuning

    pictures = write_pictures(tmp_path / "data")
    images = pictures.train.images
    network = build_network(SMALL, len(pictures.classes), 1)
    stem = next(layer for layer in network.layers if layer.name.endswith("_norm"))
    fed = np.asarray(network.get_layer(stem.name.removesuffix("_norm"))((images.astype("float32") - 127) / 128))

    kept = Learner(network, [1.0] * len(pictures.classes), 16, Tuning({"head": 1.0}))
    kept.renew_norms(images, 0)
    assert np.array_equal(stem.moving_mean, np.zeros(8)), "norms that are kept stay as they are"

    learner = Learner(network, [1.0] * len(pictures.classes), 16)
    learner.renew_norms(images, 0)
    assert np.allclose(stem.moving_mean, fed.mean(axis=(0, 1, 2)), atol=0.05)
    once = [np.asarray(weight) for weight in network.get_weights()]
    learner.renew_norms(images, 0)
    assert all(np.array_equal(a, b) for a, b in zip(once, network.get_weights(), strict=True))


def test_a_teacher_is_shown_the_same_pictures_at_its_own_size(tmp_path: Path) -> None:
    from models.network import build_network
    from search.learner import Learner
    from search.tuning import Tuning

    pictures = write_pictures(tmp_path / "data")
    large, small, labels = pictures.train.images[:8], pictures.at(8).train.images[:8], pictures.train.labels[:8]
    weights = [1.0] * len(pictures.classes)
    pupil = build_network(replace(SMALL, image_px=8), len(pictures.classes), 1)
    teacher = build_network(SMALL, len(pictures.classes), 2)

    def loss(teacher: keras.Model, for_teacher: NDArray[np.uint8] | None) -> float:
        learner = Learner(pupil, weights, 8, Tuning({"head": 1.0}), teacher)
        return float(learner.learn(small, labels, 0.0, (1, 2), for_teacher)[0])

    enlarged = large[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)
    assert loss(teacher, large) == pytest.approx(loss(teacher, large))
    assert loss(teacher, large) != pytest.approx(loss(teacher, enlarged))

    as_small = build_network(replace(SMALL, image_px=8), len(pictures.classes), 2)
    assert loss(as_small, None) == pytest.approx(loss(as_small, small))
