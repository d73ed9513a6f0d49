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
        if wanted is not None:
            wanted = self._places.thinned(wanted, layer.shape[0], thin)
        drawn = self._network.get_layer(name).get_weights()[0]
        if layer.kind == "DEPTHWISE_CONV_2D":
            kernel = drawn.reshape(patches.shape[1:])
            kernel, offset = _fitted_depthwise(patches, wanted, start, kernel)
            outputs = np.einsum("rtc,tc->rc", patches, kernel, optimize=True)
        else:
            inputs = patches.reshape(len(patches), -1)
            kernel, offset = _fitted(inputs, wanted, start, drawn.reshape(inputs.shape[1], -1))
            outputs = inputs @ kernel
        self._settle(layer, kernel.reshape(drawn.shape), offset, outputs)

    def fill_as_is(self, name: str, start: Floats) -> None:
        """Give a convolution a kernel that is not fitted, for its first channels; each output has its own spread."""
        layer = self.layers[name]
        patches = self._of_all(lambda batch: self._patches(batch, layer, 1))
        drawn = self._network.get_layer(name).get_weights()[0]
        kernel = drawn.reshape(-1, drawn.shape[-1]).copy()
        kernel[:, : start.shape[-1]] = start.reshape(len(kernel), -1)
        outputs = patches.reshape(len(patches), -1) @ kernel
        self._settle(layer, kernel.reshape(drawn.shape), np.zeros(0, np.float32), outputs)

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

    def _settle(self, layer: Layer, kernel: Floats, offset: Floats, outputs: Floats) -> None:
        """Write a kernel and the batch norm that goes with it: real statistics, and the function unchanged."""
        means, variances = outputs.mean(axis=0), outputs.var(axis=0)
        known = len(offset)
        target = self._network.get_layer(layer.name)
        epsilon = 1e-3
        scale, shift = np.ones_like(means), np.zeros_like(means)
        scale[:known] = np.sqrt(variances[:known] + epsilon)
        shift[:known] = means[:known] + offset
        factor = scale / np.sqrt(variances + epsilon)
        whole, bias = kernel * (factor if layer.kind == "CONV_2D" else factor[:, None]), shift - means * factor
        if layer.norm:
            target.set_weights([kernel])
            self._network.get_layer(f"{layer.name}_norm").set_weights([scale, shift, means, variances])
        else:
            target.set_weights([whole, bias])
        self._filled.append(_Filled(layer, tf.constant(whole), tf.constant(bias)))


def _fitted(inputs: Floats, wanted: Floats | None, start: Floats | None, drawn: Floats) -> tuple[Floats, Floats]:
    if wanted is None or start is None:
        return drawn, np.zeros(0, np.float32)
    known = wanted.shape[1]
    kernel, offset = refit(inputs, wanted, start.reshape(len(drawn), known))
    return np.concatenate([kernel, drawn[:, known:]], axis=1), offset


def _fitted_depthwise(
    patches: Floats, wanted: Floats | None, start: Floats | None, drawn: Floats
) -> tuple[Floats, Floats]:
    if wanted is None or start is None:
        return drawn, np.zeros(0, np.float32)
    known = wanted.shape[1]
    kernel, offset = refit_depthwise(patches[..., :known], wanted, start)
    return np.concatenate([kernel, drawn[:, known:]], axis=1), offset
