from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.ensemble import ExtraTreesRegressor

from search.encoding import Encoded, Encoder
from search.gaussian import _START, GaussianProcess, _loss, _Parts
from search.problem import Choice, Floats, Known
from search.surrogate import Ridge, Surrogate, Trees

CHOICES = (Choice("kernel", (3, 5, 7)), Choice("depth", (1, 2, 3)), Choice("kind", ("fused", "depthwise")))


def _points(count: int, seed: int = 0) -> tuple[Encoded, Floats]:
    random = np.random.default_rng(seed)
    codes = np.stack([random.integers(len(choice.values), size=count) for choice in CHOICES], axis=1)
    costs = 1.0 + codes.sum(axis=1) + random.random(count)
    known = Known(tuple(map(str, range(count))), costs, random.random((count, 2)), np.ones(count, dtype=bool))
    values = np.log(costs) + 0.3 * (codes[:, 2] == 1) + 0.05 * random.normal(size=count)
    return Encoder(CHOICES, codes, known).encode(codes, known), (values - values.mean()) / values.std()


def test_the_slope_of_the_likelihood_is_its_slope() -> None:
    points, values = _points(15)
    parts = _Parts(points, points)
    scales = _START + np.random.default_rng(1).normal(0, 0.3, len(_START))
    _, slope = _loss(scales, parts, values)
    assert slope == pytest.approx(approx_fprime(scales, lambda x: _loss(x, parts, values)[0], 1e-6), rel=1e-3, abs=1e-4)


def test_left_out_errors_are_those_of_a_process_that_never_saw_the_point() -> None:
    points, values = _points(12)
    process = GaussianProcess(points, values, _START)
    without = np.arange(12) != 4
    mean, _ = GaussianProcess(points.rows(without), values[without], _START).predict(points.rows(~without))
    assert process.left_out()[4] == pytest.approx(values[4] - mean[0], abs=1e-3)


def test_uncertainty_is_small_at_known_points_and_larger_elsewhere() -> None:
    points, values = _points(40)
    tried = np.arange(40) < 20
    process = GaussianProcess(points.rows(tried), values[tried])
    assert process.predict(points.rows(tried))[1].mean() < process.predict(points.rows(~tried))[1].mean()


def test_the_models_together_foretell_better_than_the_mean() -> None:
    points, values = _points(60)
    tried = np.arange(60) < 40
    mean, deviation = Surrogate(points.rows(tried), values[tried], 0).predict(points.rows(~tried))
    assert np.mean((mean - values[~tried]) ** 2) < 0.3 * np.var(values[~tried])
    assert (deviation > 0).all()


def test_believing_a_prediction_changes_no_mean_much_and_lowers_the_uncertainty_there() -> None:
    points, values = _points(30)
    tried = np.arange(30) < 20
    surrogate = Surrogate(points.rows(tried), values[tried], 0, mixture=False)
    liar = surrogate.believing(points.rows(~tried))
    before, after = surrogate.predict(points.rows(~tried)), liar.predict(points.rows(~tried))
    assert after[0] == pytest.approx(before[0], abs=0.1)
    assert (after[1] < before[1]).all()


def test_the_trees_are_those_of_scikit_learns_forest() -> None:
    points, values = _points(30)
    trees = Trees(points, values, 5)
    forest = ExtraTreesRegressor(
        60, min_samples_leaf=2, max_features=0.5, bootstrap=True, oob_score=True, random_state=5
    ).fit(points.matrix.astype(np.float32), values)
    assert trees.left_out() == pytest.approx(forest.oob_prediction_ - values)
    assert trees.predict(points)[0] == pytest.approx(forest.predict(points.matrix))


def test_the_ridge_picks_the_penalty_that_foretells_best() -> None:
    points, values = _points(30)
    ridge = Ridge(points, values)
    shares = [np.mean(Ridge._fit(_scaled(points), values, penalty)[0] ** 2) for penalty in (1.0, 10.0, 100.0)]
    assert np.mean(ridge.left_out() ** 2) == pytest.approx(min(shares))


def _scaled(points: Encoded) -> Floats:
    return (points.matrix - points.matrix.mean(axis=0)) / (points.matrix.std(axis=0) + 1e-9)
