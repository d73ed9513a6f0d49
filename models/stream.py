"""Where the next layers of a network begin, and what its layers have in common. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
        return replace(self, name=layer.name, shape=layer.shape)

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
        return self._slide("CONV_2D", name, window, stride=stride, padding=padding).widened(
            filters, activation, self.style.norm
        )

    def filter_depthwise(self, name: str, *, kernel: int, stride: int) -> Layer:
        """Return a depthwise convolution over this stream."""
        filtered = self._slide("DEPTHWISE_CONV_2D", name, (kernel, kernel), stride=stride, padding="same")
        return filtered.widened(self.shape[-1], self.style.activation, self.style.norm)

    def pool(
        self, kind: Kind, name: str, *, kernel: tuple[int, int], stride: int = 1, padding: Padding = "same"
    ) -> Layer:
        """Return a maximum or an average over windows of this stream."""
        return self._slide(kind, name, kernel, stride=stride, padding=padding)

    def _slide(self, kind: Kind, name: str, kernel: tuple[int, int], *, stride: int, padding: Padding) -> Layer:
        height, width, channels = self.shape
        lost = (0, 0) if padding == "same" else (kernel[0] - 1, kernel[1] - 1)
        sides = -(-(height - lost[0]) // stride), -(-(width - lost[1]) // stride)
        return Layer(kind, name, (self.name,), (*sides, channels), channels, kernel, stride, padding)
