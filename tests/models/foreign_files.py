"""Tiny models in every form that people may bring, made by the programs that people use."""

from __future__ import annotations

import contextlib
import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

SIDE_PX = 16
CLASSES = 3


@keras.saving.register_keras_serializable(package="mine")
class Doubled(keras.layers.Layer):
    """A layer of somebody's own."""

    def call(self, inputs: Any) -> Any:
        """Double it."""
        return 2 * inputs


@keras.saving.register_keras_serializable(package="mine")
def bent(values: Any) -> Any:
    """A function of somebody's own."""
    return values * keras.ops.sigmoid(values)


def network(*middle: Any, rescaling: bool = True, side_px: int | None = SIDE_PX) -> keras.Model:
    """Return a classifier with these layers in its middle."""
    keras.utils.set_random_seed(1)
    image = keras.Input((side_px, side_px, 3), name="picture")
    stream = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaled")(image) if rescaling else image
    stream = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="edges")(stream)
    for layer in middle:
        stream = layer(stream)
    stream = keras.layers.GlobalAveragePooling2D(name="mean")(stream)
    return keras.Model(image, keras.layers.Dense(CLASSES, activation="softmax", name="classes")(stream), name="net")


def as_keras(model: keras.Model, folder: Path) -> Path:
    """Return where the model lies as .keras."""
    path = folder / "model.keras"
    model.save(path)
    return path


def as_h5(model: keras.Model, folder: Path) -> Path:
    """Return where the model lies as HDF5."""
    path = folder / "model.h5"
    model.save(path)
    return path


def zipped(folder: Path, target: Path) -> Path:
    """Pack a folder as people do: the folder itself is in the ZIP."""
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent))
    return target


def as_saved_model(model: keras.Model, folder: Path) -> Path:
    """Return where the model lies as a SavedModel in a ZIP."""
    model.export(str(folder / "saved"), verbose=False)
    return zipped(folder / "saved", folder / "saved.zip")


def function_as_saved_model(function: Callable[[Any], Any], folder: Path) -> Path:
    """Return where a TensorFlow function of a picture lies as a SavedModel in a ZIP."""
    module = tf.Module()
    spec = tf.TensorSpec((None, SIDE_PX, SIDE_PX, 3), tf.float32, name="picture")
    module.answer = tf.function(function, input_signature=[spec])
    tf.saved_model.save(module, str(folder / "saved"), signatures=module.answer.get_concrete_function())
    return zipped(folder / "saved", folder / "saved.zip")


def as_frozen_graph(model: keras.Model, folder: Path) -> Path:
    """Return where the model lies as a graph with its weights in it."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    spec = tf.TensorSpec((None, SIDE_PX, SIDE_PX, 3), tf.float32, name="picture")
    traced = tf.function(lambda picture: model(picture)).get_concrete_function(spec)
    path = folder / "frozen.pb"
    path.write_bytes(convert_variables_to_constants_v2(traced).graph.as_graph_def().SerializeToString())
    return path


def as_tflite(model: keras.Model, folder: Path, calibration: np.ndarray | None = None) -> Path:
    """Return where the model lies as .tflite, in float, or in int8 with pictures to calibrate it."""
    image = keras.Input(batch_shape=(1, SIDE_PX, SIDE_PX, 3))
    single = keras.models.clone_model(model, input_tensors=image)
    single.set_weights(model.get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(single)
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    path = folder / "model.tflite"
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        path.write_bytes(converter.convert())
    return path


def pictures(count: int) -> np.ndarray:
    """Return random pictures."""
    return np.random.default_rng(3).integers(0, 256, (count, SIDE_PX, SIDE_PX, 3), np.uint8)
