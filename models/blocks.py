"""The shared blocks of networks as layers, each with the reason why it maps well to the Edge TPU. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from models.layers import Layer

if TYPE_CHECKING:
    from models.architecture import Block


@dataclass(frozen=True, slots=True)
class Stream:
    """Where a block begins: the layer whose output it reads, and that output's shape."""

    name: str
    shape: tuple[int, ...]

    def convolve(self, name: str, filters: int, *, kernel: int = 1, stride: int = 1, relu: bool = True) -> Layer:
        """Return a convolution with batch norm over this stream."""
        height, width, channels = self.shape
        shape = (-(-height // stride), -(-width // stride), filters)
        return Layer("CONV_2D", name, (self.name,), shape, channels, kernel, stride, relu)

    def filter_depthwise(self, name: str, *, kernel: int, stride: int) -> Layer:
        """Return a depthwise convolution with batch norm over this stream."""
        height, width, channels = self.shape
        shape = (-(-height // stride), -(-width // stride), channels)
        return Layer("DEPTHWISE_CONV_2D", name, (self.name,), shape, channels, kernel, stride, relu=True)


def after(layer: Layer) -> Stream:
    """Return the stream that starts at a layer's output."""
    return Stream(layer.name, layer.shape)


def fused(block: Block, name: str, stream: Stream) -> list[Layer]:
    """Fused inverted bottleneck: one full convolution expands, a 1×1 convolution projects.

    It maps well because the chip's array multiplies 64 input by 64 output channels a cycle: a full convolution over
    few channels keeps it busy, where a depthwise one leaves 63 of 64 columns idle. Best while channels are few.
    """
    expand = stream.convolve(f"{name}_expand", block.expanded, kernel=block.kernel, stride=block.stride)
    return _project(block, name, stream, [expand])


def depthwise(block: Block, name: str, stream: Stream) -> list[Layer]:
    """Inverted bottleneck: a 1×1 convolution expands, a depthwise one filters, a 1×1 convolution projects.

    It maps well where channels are many: its 1×1 convolutions fill the array, and its weights are a small part of a
    full convolution's, so that the late layers of a network stay within the memory on the chip.
    """
    layers = []
    if block.expanded:
        layers.append(stream.convolve(f"{name}_expand", block.expanded))
    inner = after(layers[-1]) if layers else stream
    layers.append(inner.filter_depthwise(f"{name}_depthwise", kernel=block.kernel, stride=block.stride))
    return _project(block, name, stream, layers)


def _project(block: Block, name: str, stream: Stream, layers: list[Layer]) -> list[Layer]:
    """End a bottleneck: project without ReLU, and add the block's input where block and shapes allow it."""
    project = after(layers[-1]).convolve(f"{name}_project", block.filters, relu=False)
    if not (block.skip and project.shape == stream.shape):
        return [*layers, project]
    total = Layer("ADD", f"{name}_add", (stream.name, project.name), project.shape, block.filters)
    return [*layers, project, total]


def classify(stream: Stream, head_filters: int, classes: int) -> list[Layer]:
    """Head: a 1×1 convolution where wanted, the global mean, one fully connected layer, softmax.

    All four map; the mean keeps no spatial dimension, so that the fully connected layer needs no reshape before it.
    """
    layers = [stream.convolve("head", head_filters)] if head_filters else []
    last = after(layers[-1]) if layers else stream
    channels = last.shape[-1]
    mean = Layer("MEAN", "pool", (last.name,), (channels,), channels)
    dense = Layer("FULLY_CONNECTED", "logits", (mean.name,), (classes,), channels)
    return [*layers, mean, dense, Layer("SOFTMAX", "probabilities", (dense.name,), (classes,), classes)]


BLOCKS: Mapping[str, Callable[[Block, str, Stream], list[Layer]]] = MappingProxyType(
    {"fused": fused, "depthwise": depthwise}
)
"""Every kind of block by the name that `Block.kind` says it with."""
