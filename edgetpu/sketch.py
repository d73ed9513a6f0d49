"""Draw a network by hand, without weights: for tests, for benchmarks, for trying an idea."""

from __future__ import annotations

from collections.abc import Sequence

from edgetpu.graph import Graph, Op, Quantization, Tensor

_ONE_SCALE = Quantization((1.0,), (0,))


class Sketch:
    """A network in the making. Each method adds an operation and returns its output's position."""

    def __init__(self, *inputs: tuple[int, ...], per_channel: bool = True, dtype: str = "int8") -> None:
        """Begin with inputs of shape (height, width, channels), or any other without the batch."""
        self._tensors: list[Tensor] = []
        self._ops: list[Op] = []
        self._per_channel = per_channel
        self._dtype = dtype
        self.inputs = tuple(self._activation((1, *shape)) for shape in inputs)

    def graph(self, *outputs: int, name: str = "sketch") -> Graph:
        """Return the network; its last output where none are named."""
        ends = outputs or (self._ops[-1].outputs[0],)
        return Graph(tuple(self._tensors), tuple(self._ops), self.inputs, ends, name)

    def shape(self, position: int) -> tuple[int, ...]:
        """Return a tensor's shape, batch first."""
        return self._tensors[position].shape

    def conv(
        self, x: int, filters: int, kernel: int | tuple[int, int] = 1, stride: int = 1, *, same: bool = True
    ) -> int:
        """Add a convolution."""
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        channels = self.shape(x)[-1]
        weights = self._weights((filters, height, width, channels), filters)
        out = (*self._window(x, (height, width), stride, same), filters)
        return self.op("CONV_2D", (x, weights, self._bias(filters)), out, **_strides(stride, same))

    def depthwise(self, x: int, kernel: int = 3, stride: int = 1, *, same: bool = True) -> int:
        """Add a depthwise convolution."""
        channels = self.shape(x)[-1]
        weights = self._weights((1, kernel, kernel, channels), channels)
        out = (*self._window(x, (kernel, kernel), stride, same), channels)
        options = _strides(stride, same) | {"depth_multiplier": 1}
        return self.op("DEPTHWISE_CONV_2D", (x, weights, self._bias(channels)), out, **options)

    def dense(self, x: int, units: int) -> int:
        """Add a dense layer over everything but the batch."""
        inputs = _product(self.shape(x)[1:])
        weights = self._constant((units, inputs), _ONE_SCALE, self._dtype)
        return self.op("FULLY_CONNECTED", (x, weights, self._bias(units)), (units,))

    def pool(self, x: int, kernel: int, stride: int = 1, *, same: bool = True, kind: str = "AVERAGE_POOL_2D") -> int:
        """Add a pooling."""
        out = (*self._window(x, (kernel, kernel), stride, same), self.shape(x)[-1])
        options = _strides(stride, same) | {"filter_height": kernel, "filter_width": kernel}
        return self.op(kind, (x,), out, **options)

    def global_pool(self, x: int) -> int:
        """Add a mean over height and width."""
        axes = self._constant((2,), None, "int32")
        return self.op("MEAN", (x, axes), (1, 1, self.shape(x)[-1]), keep_dims=True)

    def add(self, x: int, y: int, kind: str = "ADD") -> int:
        """Add the sum of two activations, or another operation of two."""
        return self.op(kind, (x, y), self.shape(x)[1:])

    def concat(self, parts: Sequence[int]) -> int:
        """Join activations along their channels."""
        channels = sum(self.shape(part)[-1] for part in parts)
        return self.op("CONCATENATION", tuple(parts), (*self.shape(parts[0])[1:-1], channels), axis=3)

    def like(self, x: int, kind: str, shape: tuple[int, ...] | None = None) -> int:
        """Add an operation of one input; its output has the input's shape, or one without the batch."""
        return self.op(kind, (x,), self.shape(x)[1:] if shape is None else shape)

    def op(
        self, kind: str, inputs: Sequence[int], shape: tuple[int, ...], **options: int | str | bool | tuple[int, ...]
    ) -> int:
        """Add any operation with one output of a shape without the batch."""
        out = self._activation((1, *shape))
        name = f"{kind.lower()}_{len(self._ops)}"
        self._ops.append(Op(kind, tuple(inputs), (out,), options=options, name=name))
        return out

    def _activation(self, shape: tuple[int, ...]) -> int:
        self._tensors.append(Tensor(f"t{len(self._tensors)}", shape, self._dtype, _ONE_SCALE))
        return len(self._tensors) - 1

    def _constant(self, shape: tuple[int, ...], quantization: Quantization | None, dtype: str) -> int:
        self._tensors.append(Tensor(f"c{len(self._tensors)}", shape, dtype, quantization, constant=True))
        return len(self._tensors) - 1

    def _weights(self, shape: tuple[int, ...], channels: int) -> int:
        many = self._per_channel and channels > 1
        scales = Quantization((1.0,) * channels, (0,) * channels) if many else _ONE_SCALE
        return self._constant(shape, scales, self._dtype)

    def _bias(self, channels: int) -> int:
        return self._constant((channels,), None, "int32")

    def _window(self, x: int, kernel: tuple[int, int], stride: int, same: bool) -> tuple[int, int]:
        """Return height and width of what a sliding window gives."""
        _, height, width, _ = self.shape(x)
        lost = (0, 0) if same else (kernel[0] - 1, kernel[1] - 1)
        return -(-(height - lost[0]) // stride), -(-(width - lost[1]) // stride)


def _strides(stride: int, same: bool) -> dict[str, int | str | bool | tuple[int, ...]]:
    return {"stride_h": stride, "stride_w": stride, "padding": "SAME" if same else "VALID"}


def _product(lengths: Sequence[int]) -> int:
    total = 1
    for length in lengths:
        total *= length
    return total
