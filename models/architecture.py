"""What a network is, as a value: equal in JSON, in Python and in the database. Pure: no Keras here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

from edgetpu.graph import Graph
from models.blocks import BLOCKS, Stream, after, classify
from models.errors import ArchitectureInvalid
from models.layers import INPUT, Layer, graph_of

Choice = int | float | str
"""The value of one choice of a space."""

_LARGEST_PX = 2048
_MOST_FILTERS = 8192


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted bottleneck."""

    kind: str
    """A name of `models.blocks.BLOCKS`."""
    kernel: int
    stride: int
    expanded: int
    """Channels between expansion and projection; 0 leaves the expansion out."""
    filters: int
    """Channels that come out."""
    skip: bool = True
    """Whether the block's input is added to its output, where both have the same shape."""

    def problem(self) -> str | None:
        """Return what is wrong with the values, or None."""
        if self.kind not in BLOCKS:
            return f"kind is {self.kind!r}, known are {', '.join(BLOCKS)}"
        if self.kernel not in (1, 3, 5, 7) or self.stride not in (1, 2):
            return f"kernel {self.kernel} with stride {self.stride}: kernels are 1, 3, 5 or 7, strides 1 or 2"
        if not 1 <= self.filters <= _MOST_FILTERS or not 0 <= self.expanded <= _MOST_FILTERS:
            return f"channels {self.expanded} → {self.filters} are not within 1 to {_MOST_FILTERS}"
        return "a fused block cannot go without expansion" if self.kind == "fused" and not self.expanded else None


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

    def __post_init__(self) -> None:
        """Refuse what no network can be built from."""
        problem = self._problem()
        if problem:
            raise ArchitectureInvalid(f"This architecture cannot be built: {problem}.")

    def _problem(self) -> str | None:
        if not 8 <= self.image_px <= _LARGEST_PX:
            return f"the image side is {self.image_px} px, it must be within 8 to {_LARGEST_PX}"
        if not 1 <= self.stem_filters <= _MOST_FILTERS or self.stem_stride not in (1, 2):
            return f"the stem has {self.stem_filters} filters and stride {self.stem_stride}"
        if not self.blocks or not 0 <= self.head_filters <= _MOST_FILTERS:
            return f"it has {len(self.blocks)} blocks and {self.head_filters} head filters"
        wrong = ((number, block.problem()) for number, block in enumerate(self.blocks, 1))
        return next((f"block {number}: {text}" for number, text in wrong if text), None)

    def to_json(self) -> dict[str, Any]:
        """Return the architecture as plain values that `from_json` takes."""
        return {**asdict(self), "blocks": [asdict(block) for block in self.blocks], "choices": dict(self.choices)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Architecture:
        """Return the architecture that `to_json` wrote.

        Raises:
            ArchitectureInvalid: if a value is missing, unknown, of a wrong type or out of range.
        """
        if not isinstance(value, Mapping) or not isinstance(value.get("blocks"), list | tuple):
            raise ArchitectureInvalid("This architecture cannot be read: it has no list of blocks.")
        try:
            blocks = tuple(Block(**_typed(block, _BLOCK_TYPES)) for block in value["blocks"])
            plain = {name: part for name, part in value.items() if name not in ("blocks", "choices")}
            return cls(**_typed(plain, _TYPES), blocks=blocks, choices=dict(value.get("choices") or {}))
        except (TypeError, ValueError) as error:
            raise ArchitectureInvalid(f"This architecture cannot be read: {error}.") from error

    @property
    def key(self) -> str:
        """A hash that equal networks share: skips that no shape allows count as none."""
        blocks = [(b.kind, b.kernel, b.stride, b.expanded, b.filters, b.skip) for b in _canonical_blocks(self)]
        parts = (self.image_px, self.stem_filters, self.stem_stride, self.head_filters, blocks)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

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


@lru_cache(maxsize=64)
def _layers(architecture: Architecture, classes: int) -> tuple[Layer, ...]:
    image = Stream(INPUT, (architecture.image_px, architecture.image_px, 3))
    layers = [image.convolve("stem", architecture.stem_filters, kernel=3, stride=architecture.stem_stride)]
    for number, block in enumerate(architecture.blocks, 1):
        layers += BLOCKS[block.kind](block, f"block{number}", after(layers[-1]))
    return (*layers, *classify(after(layers[-1]), architecture.head_filters, classes))


def _canonical_blocks(architecture: Architecture) -> list[Block]:
    """Return the blocks with `skip` saying whether an addition takes place."""
    channels, blocks = architecture.stem_filters, []
    for block in architecture.blocks:
        adds = block.skip and block.stride == 1 and block.filters == channels
        blocks.append(block if adds == block.skip else replace(block, skip=adds))
        channels = block.filters
    return blocks


_BLOCK_TYPES = {"kind": str, "kernel": int, "stride": int, "expanded": int, "filters": int, "skip": bool}
_TYPES = {"family": str, "image_px": int, "stem_filters": int, "head_filters": int, "stem_stride": int}


def _typed(value: Mapping[str, Any], types: Mapping[str, type]) -> dict[str, Any]:
    """Return the values if each is known and of its type."""
    for name, part in value.items():
        if name not in types:
            raise ValueError(f"{name!r} is unknown")
        if type(part) is not types[name]:
            raise ValueError(f"{name} is {part!r}, it must be of type {types[name].__name__}")
    return dict(value)
