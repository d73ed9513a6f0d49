"""Blocks that branch: a small graph of convolutions and poolings, written out node by node. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from models.layers import Activation, Kind, Layer, Padding
from models.reading import typed
from models.running_order import running_order
from models.stream import Stream

NodeKind = Literal["convolution", "max_pool", "average_pool", "concatenation"]
_KINDS: dict[str, Kind] = {"max_pool": "MAX_POOL_2D", "average_pool": "AVERAGE_POOL_2D"}
_WIDEST_WINDOW, _MOST_FILTERS, _MOST_NODES = 8, 8192, 99


class _Window(TypedDict):
    kernel: tuple[int, int]
    stride: int
    padding: Padding


@dataclass(frozen=True, slots=True)
class Node:
    """One layer of a cell."""

    kind: NodeKind
    inputs: tuple[int, ...] = (0,)
    """What it reads: 0 is the block's input, n the n-th node of the cell."""
    filters: int = 0
    """Channels that come out of a convolution; 0 for the other kinds, which keep or join theirs."""
    kernel: tuple[int, int] = (1, 1)
    """Height and width of the window."""
    stride: int = 1
    padding: Padding = "same"
    activation: Activation | None = None
    """Of a convolution; None for the network's own."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Node:
        """Return the node that `dataclasses.asdict` wrote; a ValueError or TypeError says what is wrong with it."""
        lists: dict[str, Any] = {name: tuple(value[name]) for name in ("inputs", "kernel") if name in value}
        if not all(type(part) is int for parts in lists.values() for part in parts):
            raise ValueError(f"the inputs or the kernel of a node are not whole numbers: {dict(value)!r}")
        plain = {name: part for name, part in value.items() if name not in (*lists, "activation")}
        return cls(**typed(plain, _TYPES), **lists, activation=value.get("activation"))

    def problem(self, position: int) -> str | None:
        """Return what is wrong with the node at a position (the first is 1), or None."""
        if self.kind not in ("convolution", "concatenation", *_KINDS):
            return f"kind is {self.kind!r}"
        if not self.inputs or not all(0 <= each < position for each in self.inputs):
            return f"it reads {list(self.inputs)}, which must be earlier nodes"
        if (len(self.inputs) > 1) != (self.kind == "concatenation"):
            return f"a {self.kind} of {len(self.inputs)} inputs"
        return self._window_problem()

    def _window_problem(self) -> str | None:
        sides = (*self.kernel, self.stride)
        if len(sides) != 3 or not all(1 <= side <= _WIDEST_WINDOW for side in sides):
            return f"kernel {self.kernel} with stride {self.stride}"
        if self.padding not in ("same", "valid") or self.activation not in (None, "none", "relu", "relu6"):
            return f"padding {self.padding!r}, activation {self.activation!r}"
        fits = 1 <= self.filters <= _MOST_FILTERS if self.kind == "convolution" else self.filters == 0
        return None if fits else f"a {self.kind} of {self.filters} filters"

    def layer(self, name: str, streams: Sequence[Stream]) -> Layer:
        """Return the node as a layer over what it reads."""
        first = streams[0]
        if self.kind == "concatenation":
            channels = sum(stream.shape[-1] for stream in streams)
            names = tuple(stream.name for stream in streams)
            return Layer("CONCATENATION", name, names, (*first.shape[:-1], channels), channels)
        if self.kind == "convolution":
            return first.convolve(name, self.filters, activation=self.activation, **self._window)
        return first.pool(_KINDS[self.kind], name, **self._window)

    @property
    def _window(self) -> _Window:
        return {"kernel": self.kernel, "stride": self.stride, "padding": self.padding}


def nodes_problem(nodes: Sequence[Node]) -> str | None:
    """Return what is wrong with the nodes of a cell, or None."""
    if len(nodes) > _MOST_NODES:
        return f"a cell of {len(nodes)} nodes, it may have {_MOST_NODES}"
    wrong = ((position, node.problem(position)) for position, node in enumerate(nodes, 1))
    return next((f"node {position}: {text}" for position, text in wrong if text), None)


def layers_of_nodes(nodes: Sequence[Node], name: str, stream: Stream) -> list[Layer]:
    """Return the layers of a cell in the order of the converted file, the last one's output being the cell's.

    Their names have two digits, so that names sort as numbers do: see `running_order`.
    """
    streams, layers = [stream], []
    for position, node in enumerate(nodes, 1):
        layers.append(node.layer(f"{name}_node{position:02}", [streams[each] for each in node.inputs]))
        streams.append(stream.after(layers[-1]))
    order = running_order([[each - 1 for each in node.inputs] for node in nodes])
    return [layers[position] for position in order]


_TYPES = {"kind": str, "filters": int, "stride": int, "padding": str}
