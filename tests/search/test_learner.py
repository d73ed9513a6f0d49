from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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
