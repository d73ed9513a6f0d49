"""What a network is, as a value: equal in JSON, in Python and in the database. Pure: no Keras here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field, replace
from functools import lru_cache
from typing import Any

from edgetpu.graph import Graph
from models.blocks import BLOCKS
from models.cells import Node, nodes_problem
from models.errors import ArchitectureInvalid
from models.heads import classify, classify_by_convolution
from models.layers import INPUT, Activation, Layer, Padding, graph_of
from models.reading import typed
from models.stream import Stream, Style

Choice = int | float | str
"""The value of one choice of a space."""

_LARGEST_PX = 2048
_MOST_FILTERS = 8192


@dataclass(frozen=True, slots=True)
class Block:
    """One building block: an inverted bottleneck, or one of the other kinds."""

    kind: str
    """A name of `models.blocks.BLOCKS`."""
    kernel: int
    stride: int
    expanded: int
    """Channels inside the block; 0 leaves an inverted bottleneck's expansion out. 0 for cells."""
    filters: int
    """Channels that come out."""
    skip: bool = True
    """Whether the block's input is added to its output; an inverted bottleneck needs the same shape for it."""
    nodes: tuple[Node, ...] = ()
    """What a cell consists of; its kernel, stride and expanded are 1, 1 and 0, and say nothing."""

    def problem(self) -> str | None:
        """Return what is wrong with the values, or None."""
        if self.kind not in BLOCKS:
            return f"kind is {self.kind!r}, known are {', '.join(BLOCKS)}"
        if self.kernel not in (1, 3, 5, 7) or self.stride not in (1, 2):
            return f"kernel {self.kernel} with stride {self.stride}: kernels are 1, 3, 5 or 7, strides 1 or 2"
        if not 1 <= self.filters <= _MOST_FILTERS or not 0 <= self.expanded <= _MOST_FILTERS:
            return f"channels {self.expanded} → {self.filters} are not within 1 to {_MOST_FILTERS}"
        if (self.kind == "cell") != bool(self.nodes):
            return f"a {self.kind} of {len(self.nodes)} nodes"
        if self.kind in ("fused", "bottleneck") and not self.expanded:
            return f"a {self.kind} block cannot go without expansion"
        if self.kind == "pointwise" and (self.kernel, self.stride, self.expanded) != (1, 1, 0):
            return "a pointwise block has kernel 1, stride 1 and no expansion"
        return nodes_problem(self.nodes)

    def to_json(self) -> dict[str, Any]:
        """Return the block as plain values; nodes only where there are some."""
        value = asdict(self)
        return value if self.nodes else {name: part for name, part in value.items() if name != "nodes"}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Block:
        """Return the block that `to_json` wrote; a ValueError or TypeError says what is wrong with it."""
        nodes = tuple(Node.from_json(node) for node in value.get("nodes", ()))
        plain = {name: part for name, part in value.items() if name != "nodes"}
        return cls(**typed(plain, _BLOCK_TYPES), nodes=nodes)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of a family: input, stem, blocks and head, without the number of classes."""

    family: str
    image_px: int
    """Height and width of the input picture, which has three channels."""
    stem_filters: int
    blocks: tuple[Block, ...]
    head_filters: int
    """Channels of the last 1×1 convolution; 0 leaves it out."""
    stem_stride: int = 2
    choices: Mapping[str, Choice] = field(default_factory=dict, compare=False, hash=False)
    """How the family's space says this network; empty if it did not come out of a space."""
    stem_kernel: int = 3
    stem_padding: Padding = "same"
    activation: Activation = "relu"
    """Of all convolutions that have one."""
    norm: bool = True
    """Whether batch norm follows the convolutions; without it they have a bias."""
    hidden_units: int = 0
    """Of a dense layer between global mean and classes; 0 leaves it out."""
    classifier: str = "dense"
    """What gives the classes: "dense" after the global mean, or "convolution" before it."""

    def __post_init__(self) -> None:
        """Refuse what no network can be built from."""
        problem = self._problem()
        if problem:
            raise ArchitectureInvalid(f"This architecture cannot be built: {problem}.")

    def _problem(self) -> str | None:
        if not 8 <= self.image_px <= _LARGEST_PX:
            return f"the image side is {self.image_px} px, it must be within 8 to {_LARGEST_PX}"
        if not self.blocks or not 0 <= self.head_filters <= _MOST_FILTERS:
            return f"it has {len(self.blocks)} blocks and {self.head_filters} head filters"
        wrong = ((number, block.problem()) for number, block in enumerate(self.blocks, 1))
        of_block = next((f"block {number}: {text}" for number, text in wrong if text), None)
        return of_block or self._stem_problem() or self._style_problem() or self._shape_problem()

    def _stem_problem(self) -> str | None:
        if not 1 <= self.stem_filters <= _MOST_FILTERS or self.stem_stride not in (1, 2):
            return f"the stem has {self.stem_filters} filters and stride {self.stem_stride}"
        if self.stem_kernel not in (1, 3, 5, 7) or self.stem_padding not in ("same", "valid"):
            return f"the stem has kernel {self.stem_kernel} and padding {self.stem_padding!r}"
        return None

    def _style_problem(self) -> str | None:
        if self.activation not in ("relu", "relu6"):
            return f"the activation is {self.activation!r}, known are relu and relu6"
        if self.classifier not in ("dense", "convolution") or not 0 <= self.hidden_units <= _MOST_FILTERS:
            return f"the classifier is {self.classifier!r} after {self.hidden_units} hidden units"
        if self.classifier == "convolution" and (self.head_filters or self.hidden_units):
            return "a convolution that gives the classes has no head before it"
        return None

    def _shape_problem(self) -> str | None:
        """Return what does not fit together; only cells can shrink a picture to nothing or join what differs."""
        if not any(block.nodes for block in self.blocks):
            return None
        shapes: dict[str, tuple[int, ...]] = {INPUT: (self.image_px, self.image_px, 3)}
        for layer in self.layers(2):
            if min(layer.shape) < 1:
                return f"a picture of {self.image_px} px is too small for layer {layer.name}"
            if layer.kind in ("CONCATENATION", "ADD") and len({shapes[name][:2] for name in layer.inputs}) > 1:
                return f"layer {layer.name} joins feature maps of different sides"
            shapes[layer.name] = layer.shape
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the architecture as plain values that `from_json` takes."""
        return {**asdict(self), "blocks": [block.to_json() for block in self.blocks], "choices": dict(self.choices)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Architecture:
        """Return the architecture that `to_json` wrote, also before it could say all that it says now.

        Raises:
            ArchitectureInvalid: if a value is missing, unknown, of a wrong type or out of range.
        """
        if not isinstance(value, Mapping) or not isinstance(value.get("blocks"), list | tuple):
            raise ArchitectureInvalid("This architecture cannot be read: it has no list of blocks.")
        try:
            blocks = tuple(Block.from_json(block) for block in value["blocks"])
            plain = {name: part for name, part in value.items() if name not in ("blocks", "choices")}
            return cls(**typed(plain, _TYPES), blocks=blocks, choices=dict(value.get("choices") or {}))
        except (AttributeError, TypeError, ValueError) as error:
            raise ArchitectureInvalid(f"This architecture cannot be read: {error}.") from error

    @property
    def key(self) -> str:
        """A hash that equal networks share: skips that no shape allows count as none."""
        blocks = [_identity(block) for block in _canonical_blocks(self)]
        parts: tuple[object, ...] = (self.image_px, self.stem_filters, self.stem_stride, self.head_filters, blocks)
        if self._later_parts != _FIRST_PARTS:
            parts += self._later_parts
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def _later_parts(self) -> tuple[object, ...]:
        """What networks could not differ in when the first keys were written into databases."""
        return (self.stem_kernel, self.stem_padding, self.activation, self.norm, self.hidden_units, self.classifier)

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """Return the layers in the order in which they run, the last one giving a probability for each class."""
        return _layers(self, classes)

    def graph(self, classes: int) -> Graph:
        """Return the int8 graph that conversion will give, without weights."""
        return graph_of(self.layers(classes), (self.image_px, self.image_px, 3), f"{self.family}-{self.key}")

    def macs(self, classes: int = 1000) -> int:
        """Return the multiply-accumulates for one picture."""
        return sum(layer.macs for layer in self.layers(classes))

    def parameters(self, classes: int = 1000) -> int:
        """Return the number of trainable parameters."""
        return sum(layer.parameters for layer in self.layers(classes))


_FIRST_PARTS = (3, "same", "relu", True, 0, "dense")


@lru_cache(maxsize=64)
def _layers(architecture: Architecture, classes: int) -> tuple[Layer, ...]:
    side = architecture.image_px
    image = Stream(INPUT, (side, side, 3), Style(architecture.activation, architecture.norm))
    layers = [_stem(architecture, image)]
    for number, block in enumerate(architecture.blocks, 1):
        layers += _block_layers(block, f"block{number}", image.after(layers[-1]))
    last = image.after(layers[-1])
    if architecture.classifier == "convolution":
        return (*layers, *classify_by_convolution(last, classes))
    return (*layers, *classify(last, architecture.head_filters, architecture.hidden_units, classes))


@lru_cache(maxsize=16384)
def _block_layers(block: Block, name: str, stream: Stream) -> tuple[Layer, ...]:
    """Return a block's layers; remembered, because the networks of a search share most of their blocks."""
    return tuple(BLOCKS[block.kind](block, name, stream))


def _stem(architecture: Architecture, image: Stream) -> Layer:
    return image.convolve(
        "stem",
        architecture.stem_filters,
        kernel=architecture.stem_kernel,
        stride=architecture.stem_stride,
        padding=architecture.stem_padding,
    )


def _identity(block: Block) -> tuple[object, ...]:
    """Return what tells a block from others; without nodes it is what keys in databases were made of."""
    known = (block.kind, block.kernel, block.stride, block.expanded, block.filters, block.skip)
    return (*known, astuple(block)[-1]) if block.nodes else known


def _canonical_blocks(architecture: Architecture) -> list[Block]:
    """Return the blocks with `skip` saying whether an addition takes place."""
    channels, blocks = architecture.stem_filters, []
    for block in architecture.blocks:
        adds = block.skip and (block.kind == "bottleneck" or _may_add(block, channels))
        blocks.append(block if adds == block.skip else replace(block, skip=adds))
        channels = block.filters
    return blocks


def _may_add(block: Block, channels: int) -> bool:
    return block.kind not in ("separable", "cell") and block.stride == 1 and block.filters == channels


_BLOCK_TYPES = {"kind": str, "kernel": int, "stride": int, "expanded": int, "filters": int, "skip": bool}
_TYPES = {
    "family": str,
    "image_px": int,
    "stem_filters": int,
    "head_filters": int,
    "stem_stride": int,
    "stem_kernel": int,
    "stem_padding": str,
    "activation": str,
    "norm": bool,
    "hidden_units": int,
    "classifier": str,
}
