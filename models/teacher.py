"""What a parent computes on the calibration pictures, layer by layer, and how strongly its layers read each other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from models.alignment import adds
from models.heir import activated
from models.kernels import Kernels
from models.network import build_network
from models.pretrained import Parent
from models.rows import Places, record

Floats = NDArray[np.float32]
STEM = -1
"""The number of the stream before the first block; the stream after block i, counted from 0, has the number i."""
_PICTURES_FOR_ADDITIONS = 16


class Teacher:
    """A trained network at the resolution where its last feature map is as large as the child's."""

    def __init__(self, parent: Parent, image_px: int, places: Places) -> None:
        self.architecture = replace(parent.architecture, image_px=image_px)
        self.kernels = Kernels(parent.network)
        self._network = _at_resolution(parent, image_px)
        self._places = places
        self._layers = {layer.name: layer for layer in self.architecture.layers(parent.classes)}
        self._adds = adds(self.architecture)
        self._rows: dict[tuple[str, int], NDArray[np.float16]] = {}

    def additions(self) -> list[float]:
        """Return for each block the share of its output's variance that it adds; 1 where nothing is added to."""
        layers = [self._layers[self.stream_layer(number)] for number in range(STEM, len(self._adds))]
        keys = [(layer.name, layer.shape[0]) for layer in layers]
        rows = record(self._network, keys, self._places.first(_PICTURES_FOR_ADDITIONS))
        streams = [rows[key].astype(np.float32) for key in keys]
        shares = [1.0] * len(self._adds)
        for block, added in enumerate(self._adds):
            if added:
                before, after = streams[block], streams[block + 1]
                shares[block] = _variance(after - before) / max(_variance(after), 1e-12)
        return shares

    def watch(self, layers: Collection[tuple[str, int]]) -> None:
        """Look at layers, each at the places of maps of a side, so that `rows` knows them."""
        self._rows = record(self._network, layers, self._places)

    def rows(self, name: str, side: int) -> Floats:
        """Return (rows, channels) of a layer before its activation."""
        return self._rows[name, side].astype(np.float32)

    def activated_rows(self, name: str, side: int) -> Floats:
        """Return (rows, channels) of a layer."""
        return activated(self.rows(name, side), self._layers[name].activation)

    def stream_layer(self, number: int) -> str:
        """Return the layer whose output is the stream of a number."""
        if number == STEM:
            return "stem"
        return f"block{number + 1}_{'add' if self._adds[number] else 'project'}"

    def inner_layer(self, block: int) -> str:
        """Return the layer that a block's projection reads."""
        name = f"block{block + 1}"
        return f"{name}_depthwise" if f"{name}_depthwise" in self.kernels else f"{name}_expand"

    def run_of(self, number: int) -> range:
        """Return the streams that are one stream with additions."""
        first = last = number
        while first > STEM and self._adds[first]:
            first -= 1
        while last + 1 < len(self._adds) and self._adds[last + 1]:
            last += 1
        return range(first, last + 1)

    def reading(self, number: int) -> Floats:
        """Return (channels, channels): how strongly the channels of a run are read, and which together."""
        kernels = [self._reader(each + 1) for each in self.run_of(number)]
        found: Floats = np.sum([kernel @ kernel.T for kernel in kernels], axis=0)
        return found

    def readers(self, layer: str) -> Floats:
        """Return (channels,): how strongly each channel of a block's inner layer, or of the head, is read."""
        reader = layer.split("_")[0] + "_project" if layer != "head" else self._after_head()
        kernel = self.kernels.full(reader)
        return np.sqrt((kernel**2).sum(axis=(0, 1, 3)))

    def _after_head(self) -> str:
        return "hidden" if "hidden" in self.kernels else "logits"

    def _reader(self, block: int) -> Floats:
        """Return (channels, outputs) of what reads the stream before a block."""
        name = f"block{block + 1}"
        if f"{name}_expand" in self.kernels:
            return _by_input(self.kernels.full(f"{name}_expand"))
        if f"{name}_depthwise" in self.kernels:
            window = self.kernels.depthwise(f"{name}_depthwise")
            return np.sqrt((window**2).sum(axis=(0, 1)))[:, None] * _by_input(self.kernels.full(f"{name}_project"))
        return _by_input(self.kernels.full("head" if "head" in self.kernels else self._after_head()))


def _by_input(kernel: Floats) -> Floats:
    """Return (channels in, taps · channels out)."""
    return np.concatenate(kernel.reshape(-1, *kernel.shape[2:]), axis=1)


def _variance(rows: Floats) -> float:
    return float(rows.var(axis=0).sum())


def _at_resolution(parent: Parent, image_px: int) -> keras.Model:
    if image_px == parent.architecture.image_px:
        return parent.network
    network = build_network(replace(parent.architecture, image_px=image_px), parent.classes, seed=0)
    network.set_weights(parent.network.get_weights())
    return network
