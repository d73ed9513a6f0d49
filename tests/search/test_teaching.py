"""A teacher's answers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.search.test_learner import SMALL

pytestmark = pytest.mark.slow


def test_a_teacher_answers_as_its_network_does() -> None:
    from models.network import build_network
    from search.teaching import Teacher

    network = build_network(SMALL, 3, 1)
    pictures = np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)
    for norm in (layer for layer in network.layers if layer.name.endswith("_norm")):
        norm.moving_mean.assign(np.linspace(-0.2, 0.2, norm.moving_mean.shape[0]))

    answers = Teacher(network, 4).answers(pictures)

    assert np.allclose(answers, np.asarray(network(pictures)), atol=1e-5)
    assert np.ptp(answers, axis=0).max() > 1e-3, "it tells pictures apart"
