"""A network that is filled layer by layer while pictures run through it as far as it is filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.layers import Activation, Layer
from models.ridge import refit, refit_depthwise
from models.rows import Places, inputs_of

Floats = NDArray[np.float32]
_MOST_NUMBERS = 20_000_000
"""Of the patches that a layer is fitted to: 80 MB."""


def activated(numbers: Any, activation: Activation) -> Any:
    """Return what an activation makes of numbers."""
    if activation == "none":
        return numbers
    return np.clip(numbers, 0, 6 if activation == "relu6" else None)


@dataclass(frozen=True, slots=True, eq=False)
class _Filled:
    """A layer that has its weights, batch norm folded in."""

    layer: Layer
    kernel: Any
    offset: Any

    def __call__(self, maps: Any) -> Any:
        stride = self.layer.stride
        if self.layer.kind == "DEPTHWISE_CONV_2D":
            found = tf.nn.depthwise_conv2d(maps, self.kernel, (1, stride, stride, 1), "SAME")
        else:
            found = tf.nn.conv2d(maps, self.kernel, stride, "SAME")
        found = tf.nn.bias_add(found, self.offset)
        if self.layer.activation == "none":
            return found
        return tf.nn.relu6(found) if self.layer.activation == "relu6" else tf.nn.relu(found)


class Heir:
    """The child: its Keras network, and the maps of all pictures where the block that is being filled begins."""

    def __init__(self, network: keras.Model, layers: Sequence[Layer], places: Places) -> None:
        self.layers = {layer.name: layer for layer in layers}
        self._places, self._network = places, network
        self._maps: Any = inputs_of(places.pictures, network.input_shape[1])
        self._filled: list[_Filled] = []

    @property
    def side(self) -> int:
        """Side of the maps where the block begins."""
        return int(self._maps.shape[1])

    @property
    def width(self) -> int:
        """Channels of the maps where the block begins."""
        return int(self._maps.shape[-1])

    def stream(self) -> Floats:
        """Return rows of the maps where the block begins, at the places of these maps."""
        return self._of_all(lambda batch: self._places.of(self._maps[batch], batch))

    def fill(self, name: str, wanted: Floats | None = None, start: Floats | None = None) -> None:
        """Give a convolution the kernel with which its output follows the wanted one.

        Args:
            name: of the layer.
            wanted: (rows, channels), the first channels' outputs before the activation. The other channels are new.
            start: the kernel to begin with, (taps, in, channels) or (taps, channels) of a depthwise one.
        """
        layer = self.layers[name]
        thin = self._thinning(layer)
        patches = self._of_all(lambda batch: self._patches(batch, layer, thin))
        drawn = self._network.get_layer(name).get_weights()[0].reshape(patches.shape[1], -1, layer.shape[-1])
        kernel, offset = drawn, _NOTHING
        if wanted is not None and start is not None:
            rows = self._places.thinned(wanted, layer.shape[0], thin)
            fit = _fit_depthwise if layer.kind == "DEPTHWISE_CONV_2D" else _fit_full
            fitted, offset = fit(patches, rows, start)
            kernel = np.concatenate([fitted, drawn[..., fitted.shape[-1] :]], axis=-1)
        self._settle(layer, kernel, offset, patches)

    def fill_as_is(self, name: str, start: Floats) -> None:
        """Give a convolution's first channels a kernel (taps, in, channels) that is not fitted to anything."""
        layer = self.layers[name]
        patches = self._of_all(lambda batch: self._patches(batch, layer, 1))
        drawn = self._network.get_layer(name).get_weights()[0].reshape(patches.shape[1], -1, layer.shape[-1])
        kernel = np.concatenate([start, drawn[..., start.shape[-1] :]], axis=-1)
        self._settle(layer, kernel, _NOTHING, patches)

    def finish_block(self, *, add: bool) -> None:
        """Let all pictures through the layers that were filled, so that the next block can begin."""
        found = []
        for batch in self._places.batches(self._maps.shape[1]):
            maps = self._run(batch)
            found.append(maps + self._maps[batch] if add else maps)
        self._maps, self._filled = tf.concat(found, axis=0), []

    def _of_all(self, compute: Any) -> Floats:
        found: Floats = np.concatenate([compute(batch).numpy() for batch in self._places.batches(self.side)])
        return found

    def _run(self, batch: slice) -> Any:
        maps = self._maps[batch]
        for layer in self._filled:
            maps = layer(maps)
        return maps

    def _patches(self, batch: slice, layer: Layer, thin: int) -> Any:
        return self._places.patches(self._run(batch), batch, layer.kernel[0], layer.stride, thin)

    def _thinning(self, layer: Layer) -> int:
        """Return of how many places one is enough."""
        numbers = self._places.at(layer.shape[0]).size * layer.kernel[0] ** 2 * layer.channels_in
        return max(1, round(numbers / _MOST_NUMBERS))

    def _settle(self, layer: Layer, kernel: Floats, offset: Floats, patches: Floats) -> None:
        """Write a kernel and the batch norm that goes with it.

        Fitted outputs, which have an offset, stay what they are; the others come out with mean 0 and spread 1.
        """
        outputs, epsilon = _apply(layer, kernel, patches), self._epsilon(layer)
        means, variances, known = outputs.mean(axis=0), outputs.var(axis=0), len(offset)
        scale, shift = np.ones_like(means), np.zeros_like(means)
        scale[:known] = np.sqrt(variances[:known] + epsilon)
        shift[:known] = means[:known] + offset
        factor = scale / np.sqrt(variances + epsilon)
        target = self._network.get_layer(layer.name)
        stored = target.get_weights()[0].shape
        folded, bias = (kernel * factor).reshape(stored), shift - means * factor
        if layer.norm:
            target.set_weights([kernel.reshape(stored)])
            self._network.get_layer(f"{layer.name}_norm").set_weights([scale, shift, means, variances])
        else:
            target.set_weights([folded, bias])
        self._filled.append(_Filled(layer, tf.constant(folded), tf.constant(bias)))

    def _epsilon(self, layer: Layer) -> float:
        return float(self._network.get_layer(f"{layer.name}_norm").epsilon) if layer.norm else 1e-6


_NOTHING: Floats = np.zeros(0, np.float32)


def _fit_full(patches: Floats, wanted: Floats, start: Floats) -> tuple[Floats, Floats]:
    kernel, offset = refit(patches.reshape(len(patches), -1), wanted, start.reshape(-1, wanted.shape[1]))
    return kernel.reshape(start.shape), offset


def _fit_depthwise(patches: Floats, wanted: Floats, start: Floats) -> tuple[Floats, Floats]:
    kernel, offset = refit_depthwise(patches[..., : wanted.shape[1]], wanted, start)
    return kernel[:, None], offset


def _apply(layer: Layer, kernel: Floats, patches: Floats) -> Floats:
    if layer.kind == "DEPTHWISE_CONV_2D":
        found: Floats = np.einsum("rtc,tc->rc", patches, kernel[:, 0], optimize=True)
        return found
    return patches.reshape(len(patches), -1) @ kernel.reshape(-1, kernel.shape[-1])
