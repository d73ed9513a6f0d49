"""A trained network that answers for its pupils, as fast as a processor can."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from models.lite import converter_of

Floats = NDArray[np.float32]


class Teacher:
    """The float answers of a network that learns no more.

    TensorFlow computes layers as a training needs them, LiteRT folds and fuses them: a picture of 112 px takes the
    whole MobileNet v2 3.4 instead of 7.5 ms, for one to three seconds at the beginning (benchmarks/RESULTS.md, search,
    What a teacher takes).
    """

    def __init__(self, network: keras.Model, batch: int) -> None:
        """Take a network for float pictures, and how many of them each call brings."""
        model = converter_of(network, batch).convert()
        threads = max(1, tf.config.threading.get_intra_op_parallelism_threads())
        self._interpreter = Interpreter(model_content=model, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def answers(self, pictures: Floats) -> Floats:
        """Return (pictures, classes) for float pictures (pictures, side, side, 3) as networks read them."""
        self._interpreter.set_tensor(self._input, pictures)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output))
