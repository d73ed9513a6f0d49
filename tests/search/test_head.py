from __future__ import annotations

import numpy as np

from search.head import fit_head


def test_a_feature_that_hardly_varies_gets_no_weight_that_would_take_all_of_int8s_range() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(200) % 4
    telling = np.eye(4)[labels] + 0.3 * random.normal(size=(200, 4))
    faint = 1e-4 * (labels == 0)[:, None] + 1e-5 * random.normal(size=(200, 1))
    features = np.c_[telling, faint].astype(np.float32)
    head = fit_head(features, labels, lambda each: float(np.mean(each.classify(features) == labels)), 4)
    assert np.abs(head.kernel[4]).max() < 3 * np.abs(head.kernel[:4]).max()
