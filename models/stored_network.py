"""A Keras network out of any .tflite file whose operations Keras has: to train it again, or to look at it.

Its input is (pixel − 127) / 128 like that of every network here. Its layers are plain Keras layers named after their
order, so that the network loads in safe mode. Files of known families become networks of `models.pretrained` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from edgetpu.graph import Graph
from models.errors import NetworkUnreadable
from models.layers import INPUT
from models.stored import PASSING, InputScale, Step, input_scale_of, steps_of, with_our_input

LARGEST_OFFSET = 1 / 64
"""An offset of two integers, seen only in the frame that padding adds, is folded away; a larger one is a layer."""


def network_from(graph: Graph) -> keras.Model:
    """Return the network of a .tflite file, its weights as real numbers.

    Raises:
        NetworkUnreadable: naming the operation that Keras has no layer for.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        counts = f"{len(graph.inputs)} inputs and {len(graph.outputs)} outputs"
        raise NetworkUnreadable(f"The file's network has {counts}; networks with one of each can be trained here.")
    source, steps = graph.inputs[0], steps_of(graph)
    image = keras.Input(graph.tensors[source].shape[1:], name=INPUT, dtype="float32")
    scale = input_scale_of(graph)
    readers = _readers(steps, source)
    if scale == InputScale(1.0, 0.0) or _can_fold(readers, scale):
        steps = tuple(with_our_input(step, scale) if step in readers else step for step in steps)
        streams = {source: image}
    else:
        streams = {source: keras.layers.Rescaling(scale.factor, scale.offset, name="scale")(image)}
    for number, step in enumerate(steps):
        streams[step.output] = _built(step, f"layer{number}", streams)
    if graph.outputs[0] not in streams:
        raise NetworkUnreadable("No operation of the file writes its output.")
    return keras.Model(image, streams[graph.outputs[0]], name="stored")


def _readers(steps: Sequence[Step], source: int) -> list[Step]:
    """Return the steps that read the input, also through steps that only store it otherwise."""
    same, readers = {source}, []
    for step in steps:
        if same.isdisjoint(step.sources):
            continue
        if step.kind in PASSING:
            same.add(step.output)
        else:
            readers.append(step)
    return readers


def _can_fold(readers: Sequence[Step], scale: InputScale) -> bool:
    return abs(scale.offset) <= LARGEST_OFFSET and all(step.kind == "CONV_2D" for step in readers)


def _built(step: Step, name: str, streams: Mapping[int, Any]) -> Any:
    if step.kind not in _BUILDERS:
        raise NetworkUnreadable(f"{step.kind} {step.name!r} has no counterpart here that can be trained.")
    if not step.sources or any(index not in streams for index in step.sources):
        raise NetworkUnreadable(f"{step.kind} {step.name!r} reads what no operation before it writes.")
    sources = [streams[index] for index in step.sources]
    try:
        return _activated(step, name, _BUILDERS[step.kind](step, name, sources))
    except (ValueError, TypeError) as error:
        raise NetworkUnreadable(f"{step.kind} {step.name!r} does not fit what it reads: {error}") from error


def _activated(step: Step, name: str, stream: Any) -> Any:
    if step.activation == "none":
        return stream
    return keras.layers.ReLU(6.0 if step.activation == "relu6" else None, name=f"{name}_relu")(stream)


def _weighted(layer: keras.Layer, step: Step, source: Any) -> Any:
    stream = layer(source)
    layer.set_weights([each for each in (step.kernel, step.bias) if each is not None])
    return stream


def _dilation(step: Step) -> tuple[int, int]:
    return int(step.options.get("dilation_h_factor", 1)), int(step.options.get("dilation_w_factor", 1))


def _convolve(step: Step, name: str, sources: list[Any]) -> Any:
    layer = keras.layers.Conv2D(
        step.weights.shape[-1],
        step.weights.shape[:2],
        strides=step.strides,
        padding=step.padding,
        dilation_rate=_dilation(step),
        use_bias=step.bias is not None,
        name=name,
    )
    return _weighted(layer, step, sources[0])


def _filter_depthwise(step: Step, name: str, sources: list[Any]) -> Any:
    layer = keras.layers.DepthwiseConv2D(
        step.weights.shape[:2],
        strides=step.strides,
        padding=step.padding,
        depth_multiplier=step.weights.shape[-1],
        dilation_rate=_dilation(step),
        use_bias=step.bias is not None,
        name=name,
    )
    return _weighted(layer, step, sources[0])


def _connect(step: Step, name: str, sources: list[Any]) -> Any:
    flat = sources[0] if len(sources[0].shape) == 2 else keras.layers.Flatten(name=f"{name}_flat")(sources[0])
    return _weighted(keras.layers.Dense(step.weights.shape[-1], use_bias=step.bias is not None, name=name), step, flat)


def _add(step: Step, name: str, sources: list[Any]) -> Any:
    return keras.layers.Add(name=name)(sources)


def _concatenate(step: Step, name: str, sources: list[Any]) -> Any:
    return keras.layers.Concatenate(axis=int(step.options.get("axis", -1)), name=name)(sources)


def _pool(kind: type[keras.Layer]) -> Callable[[Step, str, list[Any]], Any]:
    def build(step: Step, name: str, sources: list[Any]) -> Any:
        window = int(step.options.get("filter_height", 1)), int(step.options.get("filter_width", 1))
        return kind(window, strides=step.strides, padding=step.padding, name=name)(sources[0])

    return build


def _mean(step: Step, name: str, sources: list[Any]) -> Any:
    axes = sorted(np.asarray(step.constants[0]).reshape(-1).tolist()) if step.constants else []
    if axes != [1, 2] or len(sources[0].shape) != 4:
        raise NetworkUnreadable(f"MEAN {step.name!r} averages over the dimensions {axes}, not over height and width.")
    return keras.layers.GlobalAveragePooling2D(keepdims=bool(step.options.get("keep_dims")), name=name)(sources[0])


def _pass(step: Step, name: str, sources: list[Any]) -> Any:
    if tuple(sources[0].shape[1:]) == step.shape:
        return sources[0]
    return keras.layers.Reshape(step.shape, name=name)(sources[0])


def _pad(step: Step, name: str, sources: list[Any]) -> Any:
    around = np.asarray(step.constants[0]).tolist() if step.constants else []
    if len(around) != 4 or around[0] != [0, 0] or around[3] != [0, 0]:
        raise NetworkUnreadable(f"PAD {step.name!r} pads other dimensions than height and width.")
    return keras.layers.ZeroPadding2D((tuple(around[1]), tuple(around[2])), name=name)(sources[0])


def _softmax(step: Step, name: str, sources: list[Any]) -> Any:
    return keras.layers.Softmax(name=name)(sources[0])


def _activation(function: str) -> Callable[[Step, str, list[Any]], Any]:
    return lambda step, name, sources: keras.layers.Activation(function, name=name)(sources[0])


_BUILDERS: Mapping[str, Callable[[Step, str, list[Any]], Any]] = MappingProxyType(
    {
        "CONV_2D": _convolve,
        "DEPTHWISE_CONV_2D": _filter_depthwise,
        "FULLY_CONNECTED": _connect,
        "ADD": _add,
        "CONCATENATION": _concatenate,
        "AVERAGE_POOL_2D": _pool(keras.layers.AveragePooling2D),
        "MAX_POOL_2D": _pool(keras.layers.MaxPooling2D),
        "MEAN": _mean,
        "PAD": _pad,
        "SOFTMAX": _softmax,
        "RELU": _activation("relu"),
        "RELU6": _activation("relu6"),
        "LOGISTIC": _activation("sigmoid"),
        "TANH": _activation("tanh"),
        **dict.fromkeys(PASSING, _pass),
    }
)
