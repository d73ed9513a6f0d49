"""The ends of networks: from the last feature map to a probability for each class. Pure."""

from __future__ import annotations

from dataclasses import replace

from models.layers import Layer
from models.stream import Stream, Style


def classify(stream: Stream, head_filters: int, hidden_units: int, classes: int) -> list[Layer]:
    """Return a 1×1 convolution where wanted, the global mean, dense layers and a softmax.

    All of them map; the mean keeps no spatial dimension, so that the dense layer needs no reshape before it.

    Args:
        stream: the last feature map.
        head_filters: channels of the convolution; 0 leaves it out.
        hidden_units: of a dense layer between mean and classes; 0 leaves it out.
        classes: number of classes.
    """
    layers = [stream.convolve("head", head_filters)] if head_filters else []
    layers.append(_mean(stream.after(layers[-1]) if layers else stream))
    if hidden_units:
        hidden = _dense("hidden", layers[-1], hidden_units)
        layers.append(replace(hidden, activation=stream.style.activation))
    layers.append(_dense("logits", layers[-1], classes))
    return [*layers, _softmax(layers[-1])]


def classify_by_convolution(stream: Stream, classes: int) -> list[Layer]:
    """Return a 1×1 convolution to one map per class with a bias, the mean of each map and a softmax."""
    maps = replace(stream, style=Style(stream.style.activation, norm=False)).convolve("logits", classes)
    mean = _mean(stream.after(maps))
    return [maps, mean, _softmax(mean)]


def _mean(stream: Stream) -> Layer:
    channels = stream.shape[-1]
    return Layer("MEAN", "pool", (stream.name,), (channels,), channels)


def _dense(name: str, before: Layer, units: int) -> Layer:
    return Layer("FULLY_CONNECTED", name, (before.name,), (units,), before.shape[-1])


def _softmax(before: Layer) -> Layer:
    return Layer("SOFTMAX", "probabilities", (before.name,), before.shape, before.shape[-1])
