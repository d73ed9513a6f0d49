"""Activations at sampled places of calibration pictures: what kernels are fitted to, small enough for any network.

All feature maps of one side are looked at in the same places of the same pictures, so rows of a parent's layer and rows
of a child's layer belong to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Floats = NDArray[np.float32]
PIXELS_AT_ONCE = 100_000
"""Pixels of the pictures that go through a network together: some 150 MB of activations in a MobileNet v2."""


class Places:
    """Where feature maps of some pictures are looked at."""

    def __init__(self, pictures: NDArray[np.uint8], rows: int, seed: int) -> None:
        self.pictures = pictures
        self._rows, self._seed = rows, seed
        self._at: dict[int, NDArray[np.int32]] = {}

    def first(self, pictures: int) -> Places:
        """Return places in some of the pictures only."""
        return Places(self.pictures[:pictures], self._rows, self._seed)

    def at(self, side: int) -> NDArray[np.int32]:
        """Return (pictures, places): positions in the flattened map of a side."""
        if side not in self._at:
            pictures, places = len(self.pictures), side * side
            random = np.random.default_rng((self._seed, side))
            order = random.random((pictures, places)).argsort(axis=1)
            self._at[side] = np.sort(order[:, : -(-self._rows // pictures)], axis=1).astype(np.int32)
        return self._at[side]

    def batches(self, side: int) -> Iterator[slice]:
        """Yield slices of the pictures that fit into memory together at a side of the input."""
        count = max(1, min(32, PIXELS_AT_ONCE // side**2))
        yield from (slice(first, first + count) for first in range(0, len(self.pictures), count))

    def of(self, maps: Any, batch: slice) -> Any:
        """Return (rows, channels) of the maps of one batch."""
        flat = tf.reshape(maps, (maps.shape[0], -1, maps.shape[-1]))
        return tf.reshape(tf.gather(flat, self.at(maps.shape[1])[batch], batch_dims=1), (-1, maps.shape[-1]))

    def thinned(self, rows: Floats, side: int, thin: int) -> Floats:
        """Return every `thin`-th place of each picture."""
        pictures, places = self.at(side).shape
        return rows.reshape(pictures, places, -1)[:, ::thin].reshape(-1, rows.shape[1])

    def patches(self, maps: Any, batch: slice, kernel: int, stride: int, thin: int = 1) -> Any:
        """Return (rows, taps, channels): what a convolution with padding "same" sees at each place of its output."""
        side = maps.shape[1]
        out = -(-side // stride)
        missing = max((out - 1) * stride + kernel - side, 0)
        before = (missing // 2, missing - missing // 2)
        padded = tf.pad(maps, ((0, 0), before, before, (0, 0)))
        width, channels = side + missing, maps.shape[-1]
        flat = tf.reshape(padded, (maps.shape[0], width * width, channels))
        down, across = np.divmod(self.at(out)[batch, ::thin], out)
        corners = down * stride * width + across * stride
        taps = [corners + y * width + x for y in range(kernel) for x in range(kernel)]
        return tf.reshape(tf.gather(flat, np.stack(taps, axis=2), batch_dims=1), (-1, kernel * kernel, channels))


def inputs_of(pictures: NDArray[np.uint8], side: int) -> Any:
    """Return pictures as a network of a side reads them."""
    floats = (tf.cast(pictures, tf.float32) - 127.0) / 128.0
    return floats if floats.shape[1] == side else tf.image.resize(floats, (side, side), antialias=True)


def record(
    network: keras.Model, wanted: Iterable[tuple[str, int]], places: Places
) -> dict[tuple[str, int], NDArray[np.float16]]:
    """Return rows of a network's layers, each at the places of maps of a side, to which its own maps are resized.

    A layer's numbers are those after its batch norm and before its activation.
    """
    keys, side = sorted(set(wanted)), network.input_shape[1]
    taps = keras.Model(network.input, [_before_activation(network, name) for name, _ in keys])
    shapes = [(places.at(at_side).size, tap.shape[-1]) for (_, at_side), tap in zip(keys, taps.outputs, strict=True)]
    found = {key: np.empty(shape, np.float16) for key, shape in zip(keys, shapes, strict=True)}
    for batch in places.batches(side):
        maps = taps(inputs_of(places.pictures[batch], side), training=False)
        for (name, at_side), each in zip(keys, maps, strict=True):
            here = places.of(_resized(each, at_side), batch).numpy()
            first = batch.start * places.at(at_side).shape[1]
            found[name, at_side][first : first + len(here)] = here
    return found


def _before_activation(network: keras.Model, name: str) -> Any:
    names = {layer.name for layer in network.layers}
    return network.get_layer(f"{name}_norm" if f"{name}_norm" in names else name).output


def _resized(maps: Any, side: int) -> Any:
    return maps if maps.shape[1] == side else tf.image.resize(maps, (side, side), antialias=True)
