"""Small networks whose batch norms are not the trivial ones of a network that has just been built."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.architecture import Architecture, Block

SMALL = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8), Block("depthwise", 3, 1, 16, 8)), 16)
CLASSES = 3


def pictures_of_noise(count: int = 24, side: int = 16) -> np.ndarray:
    """Return pictures of coarse noise, so that neighbours are alike as in photographs."""
    coarse = np.random.default_rng(3).integers(0, 256, (count, side // 4, side // 4, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def write_network(path: Path, seed: int = 1) -> Path:
    """Write a checkpoint with statistics, gains and offsets of its own in every batch norm."""
    import keras

    from models.network import build_network

    network = build_network(SMALL, CLASSES, seed)
    random = np.random.default_rng(seed)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            count = layer.gamma.shape[0]
            layer.gamma.assign(random.uniform(0.5, 2.0, count))
            layer.beta.assign(random.normal(0, 0.5, count))
            layer.moving_mean.assign(random.normal(0, 0.5, count))
            layer.moving_variance.assign(random.uniform(0.3, 3.0, count))
    network.get_layer("logits").bias.assign(random.normal(0, 0.2, CLASSES))
    network.save(path)
    return path
