from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.architecture import Architecture, Block
from models.file_size import int8_file_bytes

SHALLOW = Architecture("efficientnet_edgetpu", 16, 8, (Block("fused", 3, 2, 16, 8),), 16)
DEEP = Architecture("mobilenet_v2", 32, 16, tuple(Block("depthwise", 3, 1, 96, 24) for _ in range(6)), 128)


@pytest.mark.slow
@pytest.mark.parametrize("network", [SHALLOW, DEEP])
def test_the_size_of_a_file_is_known_before_it_is_made(network: Architecture, tmp_path: Path) -> None:
    from models.network import build_network
    from models.quantize import quantize_to

    checkpoint = tmp_path / "network.keras"
    random, keras_network = np.random.default_rng(0), build_network(network, 5, 0)
    # as after a training: equal constants would be written once
    keras_network.set_weights([each + random.uniform(0.01, 0.1, each.shape) for each in keras_network.get_weights()])
    keras_network.save(checkpoint)
    pictures = random.integers(0, 256, (8, network.image_px, network.image_px, 3), dtype=np.uint8)
    quantize_to(checkpoint, pictures, tmp_path / "int8.tflite")
    assert int8_file_bytes(network.graph(5)) == pytest.approx((tmp_path / "int8.tflite").stat().st_size, rel=0.05)


def test_wider_networks_make_larger_files() -> None:
    wide = Architecture("mobilenet_v2", 32, 16, tuple(Block("depthwise", 3, 1, 192, 24) for _ in range(6)), 128)
    assert int8_file_bytes(wide.graph(5)) > int8_file_bytes(DEEP.graph(5))
    assert int8_file_bytes(DEEP.graph(500)) > int8_file_bytes(DEEP.graph(5))
