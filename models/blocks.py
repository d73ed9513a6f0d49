"""The shared blocks of networks as layers, each with the reason why it maps well to the Edge TPU. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from models.cells import layers_of_nodes
from models.layers import Layer
from models.stream import Stream

if TYPE_CHECKING:
    from models.architecture import Block


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
    inner = stream.after(layers[-1]) if layers else stream
    layers.append(inner.filter_depthwise(f"{name}_depthwise", kernel=block.kernel, stride=block.stride))
    return _project(block, name, stream, layers)


def separable(block: Block, name: str, stream: Stream) -> list[Layer]:
    """Depthwise separable convolution: a depthwise one filters, an activated 1×1 convolution mixes the channels.

    It maps well for the same reasons as the inverted bottleneck, and has no addition to wait for.
    """
    filtered = stream.filter_depthwise(f"{name}_depthwise", kernel=block.kernel, stride=block.stride)
    return [filtered, stream.after(filtered).convolve(f"{name}_project", block.filters)]


def pointwise(block: Block, name: str, stream: Stream) -> list[Layer]:
    """One 1×1 convolution without activation, which narrows what a stem gave.

    It maps well as every 1×1 convolution does; it is what a bottleneck is without expansion and without kernel.
    """
    return _project(block, name, stream, [])


def bottleneck(block: Block, name: str, stream: Stream) -> list[Layer]:
    """Residual bottleneck: 1×1 convolution with the stride, full convolution, 1×1 convolution, activated sum.

    It maps well because every multiplication is in full convolutions; but its weights are many, and most are streamed.
    Where stride or channels change, a 1×1 convolution takes the block's input to the output's shape.
    """
    squeeze = stream.convolve(f"{name}_expand", block.expanded, stride=block.stride)
    middle = stream.after(squeeze).convolve(f"{name}_spatial", block.expanded, kernel=block.kernel)
    project = stream.after(middle).convolve(f"{name}_project", block.filters, activation="none")
    if not block.skip:
        return [squeeze, middle, replace(project, activation=stream.style.activation)]
    layers, straight = [squeeze, middle, project], stream
    if project.shape != stream.shape:
        layers.append(stream.convolve(f"{name}_shortcut", block.filters, stride=block.stride, activation="none"))
        straight = stream.after(layers[-1])
    return [*layers, replace(_sum(name, straight, project), activation=stream.style.activation)]


def cell(block: Block, name: str, stream: Stream) -> list[Layer]:
    """Parallel paths written out node by node, joined at their channels: Inception modules, SqueezeNet's fire.

    It maps well because joining costs nothing: each path writes its channels where the next layer reads them.
    """
    return layers_of_nodes(block.nodes, name, stream)


def _project(block: Block, name: str, stream: Stream, layers: list[Layer]) -> list[Layer]:
    """End a bottleneck: project without activation, and add the block's input where block and shapes allow it."""
    inner = stream.after(layers[-1]) if layers else stream
    project = inner.convolve(f"{name}_project", block.filters, activation="none")
    if not (block.skip and project.shape == stream.shape):
        return [*layers, project]
    return [*layers, project, _sum(name, stream, project)]


def _sum(name: str, stream: Stream, layer: Layer) -> Layer:
    return Layer("ADD", f"{name}_add", (stream.name, layer.name), layer.shape, layer.shape[-1])


BLOCKS: Mapping[str, Callable[[Block, str, Stream], list[Layer]]] = MappingProxyType(
    {
        "fused": fused,
        "depthwise": depthwise,
        "pointwise": pointwise,
        "separable": separable,
        "bottleneck": bottleneck,
        "cell": cell,
    }
)
"""Every kind of block by the name that `Block.kind` says it with."""
