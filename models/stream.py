"""Where the next layers of a network begin, and what its layers have in common. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from models.layers import Activation, Kind, Layer, Padding


@dataclass(frozen=True, slots=True)
class Style:
    """What all convolutions of a network share unless a block says otherwise."""

    activation: Activation = "relu"
    norm: bool = True
    """Whether batch norm follows; without it the convolution has a bias."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Where a block begins: the layer whose output it reads, that output's shape, and the network's style."""

    name: str
    shape: tuple[int, ...]
    style: Style = Style()

    def after(self, layer: Layer) -> Stream:
        """Return the stream that starts at a layer's output, in the same style."""
        return Stream(layer.name, layer.shape, self.style)

    def convolve(
        self,
        name: str,
        filters: int,
        *,
        kernel: int | tuple[int, int] = 1,
        stride: int = 1,
        padding: Padding = "same",
        activation: Activation | None = None,
    ) -> Layer:
        """Return a convolution over this stream, with the network's activation where none is named."""
        window = (kernel, kernel) if isinstance(kernel, int) else kernel
        activation = self.style.activation if activation is None else activation
        shape, channels = (*self._sides(window, stride, padding), filters), self.shape[-1]
        norm = self.style.norm
        return Layer("CONV_2D", name, (self.name,), shape, channels, window, stride, padding, activation, norm)

    def filter_depthwise(self, name: str, *, kernel: int, stride: int) -> Layer:
        """Return a depthwise convolution over this stream."""
        window, channels, style = (kernel, kernel), self.shape[-1], self.style
        shape, source = (*self._sides(window, stride, "same"), channels), (self.name,)
        activation, norm = style.activation, style.norm
        return Layer("DEPTHWISE_CONV_2D", name, source, shape, channels, window, stride, "same", activation, norm)

    def pool(
        self, kind: Kind, name: str, *, kernel: tuple[int, int], stride: int = 1, padding: Padding = "same"
    ) -> Layer:
        """Return a maximum or an average over windows of this stream."""
        channels = self.shape[-1]
        shape = (*self._sides(kernel, stride, padding), channels)
        return Layer(kind, name, (self.name,), shape, channels, kernel, stride, padding)

    def _sides(self, window: tuple[int, int], stride: int, padding: Padding) -> tuple[int, int]:
        """Return height and width of what a sliding window gives."""
        height, width = self.shape[:2]
        lost = (0, 0) if padding == "same" else (window[0] - 1, window[1] - 1)
        return -(-(height - lost[0]) // stride), -(-(width - lost[1]) // stride)
