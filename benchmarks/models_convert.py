"""What a conversion to int8 takes: from a Keras model, which is exported first, and from constants, as here.

    .venv/bin/python benchmarks/models_convert.py

MobileNet v2 with random weights and 160 random pictures, whole at 128 px and one block a stage at 96 px, on one core;
the two ways in turn, three times. Prints processor time, and whether both files give the same answers.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from unittest.mock import patch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np
import tensorflow as tf

import models.quantize
from benchmarks.search_parents import mobilenet
from models.network import build_network
from search.answers import classify_int8
from search.train import limit_threads

PICTURES, CLASSES, TIMES = 160, 5, 3


def from_keras(network: keras.Model, batch: int) -> tf.lite.TFLiteConverter:
    """Return the converter that TensorFlow's guide makes: of a copy for exactly so many pictures."""
    image = keras.Input(batch_shape=(batch, *network.input_shape[1:]), name="image", dtype="float32")
    copy = keras.models.clone_model(network, input_tensors=image)
    copy.set_weights(network.get_weights())
    return tf.lite.TFLiteConverter.from_keras_model(copy)


WAYS = {"from a Keras model": from_keras, "from constants": models.quantize.converter_of}


def main() -> None:
    """Convert, and print a line a network."""
    limit_threads(1)
    for title, px, depth in (("whole, 128 px", 128, 9), ("one block a stage, 96 px", 96, 1)):
        network = build_network(mobilenet(px, depth=depth), CLASSES, seed=0)
        pictures = np.random.default_rng(0).integers(0, 256, (PICTURES, px, px, 3), dtype=np.uint8)
        seconds, answers = {way: list[float]() for way in WAYS}, {}
        with tempfile.TemporaryDirectory(prefix="atoll-convert-") as folder:
            for _ in range(TIMES):
                for way, made in WAYS.items():
                    target, before = Path(folder) / "model.tflite", time.process_time()
                    with patch.object(models.quantize, "converter_of", made):
                        models.quantize.convert_network(network, pictures, target, "int8")
                    seconds[way].append(time.process_time() - before)
                    answers[way] = classify_int8(target, pictures[:40])
        same = np.array_equal(*answers.values())
        print(title, {way: round(median(each), 1) for way, each in seconds.items()}, f"same answers: {same}")


if __name__ == "__main__":
    main()
