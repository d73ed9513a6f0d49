"""Every file that we export runs in the runtime of the Edge TPU compiler's time, and answers the same there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetpu.runtime import run_on_cpu
from tests.models.networks import SMALL
from tests.models.old_runtime import old_python, run_on_old
from tests.search.pictures import write_pictures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not old_python().is_file(), reason="no TensorFlow 2.6.5 here; `benchmarks/models_old_runtime.py` installs it"
    ),
]


def test_released_files_answer_alike_in_tensorflow_2_6(tmp_path: Path) -> None:
    from models.extractor import export_embedding_extractor
    from search.quantizing import calibration_pictures, quantize_best
    from search.train import train

    dataset = write_pictures(tmp_path / "data")
    trained = train(SMALL, dataset, tmp_path / "trial", seed=1, epochs=12).checkpoint
    files = quantize_best(trained, dataset, tmp_path / "files").files
    extractor = tmp_path / "extractor.tflite"
    export_embedding_extractor(trained, calibration_pictures(dataset, 0), extractor)
    pixels = np.asarray(dataset.test.images)
    for model, images in ((files.int8, (pixels ^ 0x80).view(np.int8)), (files.uint8, pixels), (extractor, pixels)):
        now, then = run_on_cpu(model, images, kernels="optimized"), run_on_old(model, images, tmp_path)
        assert (now.argmax(axis=1) == then.argmax(axis=1)).mean() >= 0.97
        assert np.abs(now.astype(int) - then.astype(int)).max() <= 8
