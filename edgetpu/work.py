"""How much work a layer is for the chip, in the few quantities that its time is a sum of."""

from __future__ import annotations

from typing import NamedTuple

from edgetpu.layers import DENSE, DEPTHWISE, ELEMENTWISE, GLOBAL_POOL, POINTWISE, POOL, RECURRENT, SPATIAL, Layer

_TILES = 16
_SPLITS = tuple((down, across, _TILES // (down * across)) for down in (1, 2, 4) for across in (1, 2, 4))
"""Ways of sharing a layer among the chip's tiles: rows × columns × output channels."""


class Work(NamedTuple):
    """What one layer asks of the chip; `devices.ChipRates` has a rate for each, in the same order."""

    cycles: float = 0.0
    """Tile cycles of a convolution or dense layer."""
    taps: float = 0.0
    """Output bytes × kernel positions of a depthwise convolution or pooling; input bytes of a global pooling."""
    pools: float = 0.0
    """1 for a pooling."""
    passes: float = 0.0
    """1 for an operation that reads and writes whole activations: ADD, MUL, PAD, RESIZE, SOFTMAX, …"""
    passed_bytes: float = 0.0
    """What such an operation reads and writes."""
    parameter_bytes: float = 0.0
    """Parameters that its arithmetic reads."""
    windows: float = 0.0
    """1 for a convolution that looks beyond one position, and so needs its neighbours' edges."""


NOTHING = Work()


def work_of(layer: Layer, parameter_bytes: int) -> Work:
    """Return the work of one layer.

    Args:
        layer: the layer.
        parameter_bytes: its parameters as the compiler pads them, cached or streamed.
    """
    kind = layer.work
    if kind in (POINTWISE, SPATIAL, DENSE):
        windows = 1.0 if kind == SPATIAL else 0.0
        return Work(cycles=tile_cycles(layer), parameter_bytes=parameter_bytes, windows=windows)
    if kind == DEPTHWISE:
        return Work(taps=layer.out_bytes * layer.taps, parameter_bytes=parameter_bytes)
    if kind == POOL:
        return Work(taps=layer.out_bytes * layer.taps, pools=1.0)
    if kind == GLOBAL_POOL:
        return Work(taps=layer.in_bytes, pools=1.0)
    if kind in (ELEMENTWISE, RECURRENT):
        return Work(passes=1.0, passed_bytes=layer.in_bytes + layer.out_bytes)
    return NOTHING


def tile_cycles(layer: Layer) -> float:
    """Return the cycles of a convolution or dense layer, 64 multiply-accumulates per tile and cycle.

    The compiler shares a layer out among 16 tiles, by rows, columns and output channels, in the way that takes least.

    Source: agrees with the compiler's own `estimated_cycles` (files until May 2021) within 4.4 % on average.
    """
    if layer.work == DENSE:
        return float(layer.out_height * _cut(layer.out_channels, 64 * _TILES) * layer.in_channels)
    groups = {deep: _channel_groups(layer, deep) for deep in (1, 2, 4, 8, 16)}
    height, width = layer.out_height, layer.out_width
    best = min([_cut(height, down) * _cut(width, across) * groups[deep] for down, across, deep in _SPLITS])
    return best * layer.taps * layer.in_channels


def _cut(number: int, parts: int) -> int:
    return -(-number // parts)


def _channel_groups(layer: Layer, deep: int) -> float:
    """Return how many groups of 64 output channels one tile works through, where `deep` tiles share them."""
    channels = layer.out_channels
    if layer.in_channels <= 4:
        return max(_blocks(channels) / 64 / deep, 0.25)
    if layer.work == POINTWISE:
        return _cut(channels, 64 * deep)
    return _blocks(_cut(channels, deep)) / 64


def _blocks(channels: int) -> int:
    """Return channels rounded up to the blocks that the chip works in."""
    multiple = 16 if channels <= 64 else 64
    return _cut(channels, multiple) * multiple
