from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from models.errors import NetworkUnreadable

pytestmark = pytest.mark.slow

FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224.h5"


def save_as_published(network: Any, path: Path) -> None:
    """Write weights in the form of before Keras 3, in which they are published."""
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)


def test_a_file_of_keras_applications_answers_here_as_it_does_there(tmp_path: Path) -> None:
    import keras

    from models.pretrained import load_parent

    theirs = keras.applications.MobileNetV2((224, 224, 3), alpha=0.35, weights=None)
    random = np.random.default_rng(3)
    for layer in theirs.layers:  # a fresh network normalizes nothing, so a mistake there would not be seen
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = (random.uniform(0.1, 0.4, each.shape) for each in layer.get_weights())
            layer.set_weights([gamma + 0.6, beta, mean, variance + 0.6])
    save_as_published(theirs, tmp_path / FILE)

    parent = load_parent(tmp_path / FILE)
    pixels = random.integers(0, 256, (3, 224, 224, 3)).astype(np.float32)
    expected = np.asarray(theirs(pixels / 127.5 - 1, training=False))
    found = np.asarray(parent.network((pixels - 127) / 128, training=False))
    assert parent.classes == 1000
    assert parent.architecture.family == "mobilenet_v2"
    np.testing.assert_allclose(found, expected, rtol=0.02)


def test_a_file_of_another_name_or_width_is_refused_with_a_sentence(tmp_path: Path) -> None:
    import keras

    from models.pretrained import load_parent

    (tmp_path / "weights.h5").write_bytes(b"")
    with pytest.raises(NetworkUnreadable, match="none of the MobileNet v2 files"):
        load_parent(tmp_path / "weights.h5")
    save_as_published(keras.applications.MobileNetV2((96, 96, 3), alpha=0.5, weights=None), tmp_path / FILE)
    with pytest.raises(NetworkUnreadable, match="does not hold the weights"):
        load_parent(tmp_path / FILE)
