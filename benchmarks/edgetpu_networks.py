"""Published networks drawn by hand: what the measured latencies are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgetpu.graph import Graph
from edgetpu.sketch import Sketch


def mobilenet_v1(side: int = 224, width: float = 1.0) -> Graph:
    """Draw MobileNet v1 (Howard et al. 2017)."""
    sketch = Sketch((side, side, 3), per_channel=False)
    x = sketch.conv(sketch.inputs[0], int(32 * width), 3, 2)
    for filters, stride in [
        (64, 1),
        (128, 2),
        (128, 1),
        (256, 2),
        (256, 1),
        (512, 2),
        *[(512, 1)] * 5,
        (1024, 2),
        (1024, 1),
    ]:
        x = sketch.conv(sketch.depthwise(x, 3, stride), int(filters * width))
    return _classified(sketch, x)


def mobilenet_v2(side: int = 224) -> Graph:
    """Draw MobileNet v2 (Sandler et al. 2018)."""
    sketch = Sketch((side, side, 3), per_channel=False)
    x = sketch.conv(sketch.inputs[0], 32, 3, 2)
    for expand, filters, count, stride in _V2_STAGES:
        for number in range(count):
            x = _inverted(sketch, x, expand, filters, 3, stride if number == 0 else 1)
    return _classified(sketch, sketch.conv(x, 1280))


_V2_STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def _inverted(sketch: Sketch, x: int, expand: int, filters: int, kernel: int, stride: int) -> int:
    channels = sketch.shape(x)[-1]
    inner = sketch.conv(x, channels * expand) if expand > 1 else x
    out = sketch.conv(sketch.depthwise(inner, kernel, stride), filters)
    return sketch.add(out, x) if stride == 1 and filters == channels else out


def _classified(sketch: Sketch, x: int, classes: int = 1001) -> Graph:
    side = sketch.shape(x)[1]
    pooled = sketch.pool(x, side, 1, same=False)
    logits = sketch.conv(pooled, classes)
    return sketch.graph(sketch.like(sketch.like(logits, "RESHAPE", (classes,)), "SOFTMAX"))


def inception_v1(side: int = 224) -> Graph:
    """Draw Inception v1 (Szegedy et al. 2014), as in TF-slim."""
    sketch = Sketch((side, side, 3), per_channel=False)
    x = _max_pool(sketch, sketch.conv(sketch.inputs[0], 64, 7, 2), 3)
    x = _max_pool(sketch, sketch.conv(sketch.conv(x, 64), 192, 3), 3)
    for stage in _V1_STAGES:
        for one, three_in, three, five_in, five, pooled in stage:
            x = sketch.concat(
                [
                    sketch.conv(x, one),
                    sketch.conv(sketch.conv(x, three_in), three, 3),
                    sketch.conv(sketch.conv(x, five_in), five, 3),
                    sketch.conv(_max_pool(sketch, x, 3, 1), pooled),
                ]
            )
        if stage is not _V1_STAGES[-1]:
            x = _max_pool(sketch, x, 2 if stage is _V1_STAGES[1] else 3)
    return _classified(sketch, x)


_V1_STAGES = [
    [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)],
    [
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ],
    [(256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)],
]


def _max_pool(sketch: Sketch, x: int, kernel: int, stride: int = 2, *, same: bool = True) -> int:
    return sketch.pool(x, kernel, stride, same=same, kind="MAX_POOL_2D")


def inception_v4(side: int = 299) -> Graph:
    """Draw Inception v4 (Szegedy et al. 2016)."""
    s = Sketch((side, side, 3), per_channel=False)
    x = s.conv(s.conv(s.conv(s.inputs[0], 32, 3, 2, same=False), 32, 3, same=False), 64, 3)
    x = s.concat([_max_pool(s, x, 3, 2, same=False), s.conv(x, 96, 3, 2, same=False)])
    left = s.conv(s.conv(x, 64), 96, 3, same=False)
    right = s.conv(s.conv(s.conv(s.conv(x, 64), 64, (1, 7)), 64, (7, 1)), 96, 3, same=False)
    x = s.concat([left, right])
    x = s.concat([s.conv(x, 192, 3, 2, same=False), _max_pool(s, x, 3, 2, same=False)])
    for _ in range(4):
        x = _v4_a(s, x)
    branch = s.conv(s.conv(s.conv(x, 192), 224, 3), 256, 3, 2, same=False)
    x = s.concat([s.conv(x, 384, 3, 2, same=False), branch, _max_pool(s, x, 3, 2, same=False)])
    for _ in range(7):
        x = _v4_b(s, x)
    first = s.conv(s.conv(x, 192), 192, 3, 2, same=False)
    second = s.conv(s.conv(s.conv(s.conv(x, 256), 256, (1, 7)), 320, (7, 1)), 320, 3, 2, same=False)
    x = s.concat([first, second, _max_pool(s, x, 3, 2, same=False)])
    for _ in range(3):
        x = _v4_c(s, x)
    return _classified(s, x)


def _v4_a(s: Sketch, x: int) -> int:
    deep = s.conv(s.conv(s.conv(x, 64), 96, 3), 96, 3)
    return s.concat([s.conv(x, 96), s.conv(s.conv(x, 64), 96, 3), deep, s.conv(s.pool(x, 3), 96)])


def _v4_b(s: Sketch, x: int) -> int:
    middle = s.conv(s.conv(s.conv(x, 192), 224, (1, 7)), 256, (7, 1))
    deep = s.conv(s.conv(s.conv(s.conv(s.conv(x, 192), 192, (7, 1)), 224, (1, 7)), 224, (7, 1)), 256, (1, 7))
    return s.concat([s.conv(x, 384), middle, deep, s.conv(s.pool(x, 3), 128)])


def _v4_c(s: Sketch, x: int) -> int:
    middle = s.conv(x, 384)
    deep = s.conv(s.conv(s.conv(x, 384), 448, (3, 1)), 512, (1, 3))
    ends = [s.conv(y, 256, kernel) for y in (middle, deep) for kernel in ((1, 3), (3, 1))]
    return s.concat([s.conv(x, 256), *ends, s.conv(s.pool(x, 3), 256)])


def resnet(blocks: Sequence[int], side: int = 224, preactivated: bool = False) -> Graph:
    """Draw a bottleneck ResNet, version 1 or 2 (He et al. 2015, 2016)."""
    s = Sketch((side, side, 3), per_channel=False)
    x = _max_pool(s, s.conv(s.inputs[0], 64, 7, 2), 3)
    for stage, count in enumerate(blocks):
        filters = 64 * 2**stage
        for number in range(count):
            stride = 2 if number == (count - 1 if preactivated else 0) and (stage < 3 if preactivated else stage) else 1
            x = _bottleneck(s, x, filters, stride)
    return _classified(s, x)


def _bottleneck(s: Sketch, x: int, filters: int, stride: int) -> int:
    out = s.conv(s.conv(s.conv(x, filters), filters, 3, stride), filters * 4)
    if s.shape(x)[-1] != filters * 4:
        x = s.conv(x, filters * 4, 1, stride)
    elif stride > 1:
        x = s.pool(x, 1, stride, kind="MAX_POOL_2D")
    return s.add(out, x)


def vgg16(side: int = 224) -> Graph:
    """Draw VGG16 (Simonyan & Zisserman 2014)."""
    s = Sketch((side, side, 3), per_channel=False)
    x = s.inputs[0]
    for filters, count in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
        for _ in range(count):
            x = s.conv(x, filters, 3)
        x = _max_pool(s, x, 2)
    return s.graph(s.like(s.dense(s.dense(s.dense(x, 4096), 4096), 1000), "SOFTMAX"))


def squeezenet(side: int = 224) -> Graph:
    """Draw SqueezeNet 1.0 (Iandola et al. 2016)."""
    s = Sketch((side, side, 3), per_channel=False)
    x = _max_pool(s, s.conv(s.inputs[0], 96, 7, 2), 3)
    for squeeze, pooled in [(16, 0), (16, 0), (32, 1), (32, 0), (48, 0), (48, 0), (64, 1), (64, 0)]:
        narrow = s.conv(x, squeeze)
        x = s.concat([s.conv(narrow, squeeze * 4), s.conv(narrow, squeeze * 4, 3)])
        x = _max_pool(s, x, 3) if pooled else x
    x = s.conv(x, 1001)
    return s.graph(s.like(s.like(s.pool(x, s.shape(x)[1], 1, same=False), "RESHAPE", (1001,)), "SOFTMAX"))


def efficientnet_edgetpu(side: int, width: float, depth: float) -> Graph:
    """Draw EfficientNet-EdgeTPU (tensorflow/tpu, efficientnet_edgetpu_builder)."""
    s = Sketch((side, side, 3))
    x = s.conv(s.inputs[0], _rounded(32 * width), 3, 2)
    for count, kernel, stride, expand, first, last, fused in _EDGETPU_STAGES:
        for number in range(-int(-count * depth // 1)):
            inner = _rounded((last if number else first) * width) * expand
            x = _edgetpu_block(s, x, inner, _rounded(last * width), kernel, stride if number == 0 else 1, fused)
    x = s.global_pool(s.conv(x, _rounded(1280 * width)))
    return s.graph(s.like(s.dense(x, 1001), "SOFTMAX"))


_EDGETPU_STAGES = [
    (1, 3, 1, 4, 24, 24, True),
    (2, 3, 2, 8, 24, 32, True),
    (4, 3, 2, 8, 32, 48, True),
    (5, 5, 2, 8, 48, 96, False),
    (4, 5, 1, 8, 96, 144, False),
    (2, 5, 2, 8, 144, 192, False),
]


def _edgetpu_block(s: Sketch, x: int, inner: int, filters: int, kernel: int, stride: int, fused: bool) -> int:
    if fused:
        out = s.conv(s.conv(x, inner, kernel, stride), filters)
    else:
        out = s.conv(s.depthwise(s.conv(x, inner), kernel, stride), filters)
    return s.add(out, x) if stride == 1 and s.shape(x)[-1] == filters else out


def _rounded(filters: float) -> int:
    """Round channels to a multiple of 8, never down by more than 10 %."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * filters else rounded


def conv_ladder(filters: int) -> Graph:
    """Draw five equal 3×3 convolutions on 64×64×3, as in microbench_conv5x3x3_64x64."""
    s = Sketch((64, 64, 3))
    x = s.inputs[0]
    for _ in range(5):
        x = s.conv(x, filters, 3)
    return s.graph(x)


def dense_ladder(units: int) -> Graph:
    """Draw dense layers 64 → n → n → n → n → 10, as in microbench_fc4_in64_out10."""
    s = Sketch((64,))
    x = s.inputs[0]
    for _ in range(4):
        x = s.dense(x, units)
    return s.graph(s.dense(x, 10))


def nb201(cell: str) -> Graph:
    """Draw the network of a NAS-Bench-201 cell (Dong & Yang 2020), for 32×32 pictures and 10 classes."""
    s = Sketch((32, 32, 3))
    x = s.conv(s.inputs[0], 16, 3)
    for stage, filters in enumerate((16, 32, 64)):
        if stage:
            shortcut = s.conv(s.pool(x, 2, 2), filters)
            x = s.add(s.conv(s.conv(x, filters, 3, 2), filters, 3), shortcut)
        for _ in range(5):
            x = _nb201_cell(s, x, cell, filters)
    return s.graph(s.dense(s.global_pool(x), 10))


def _nb201_cell(s: Sketch, x: int, cell: str, filters: int) -> int:
    """Add one cell; edges that do not reach its end are left out, as the converter leaves them out."""
    nodes = [[(int(number), name) for name, number in _edges(node)] for node in cell.split("+")]
    needed = {len(nodes)}
    for position in range(len(nodes), 0, -1):
        if position in needed:
            needed |= {start for start, _ in nodes[position - 1]}
    values: list[int | None] = [x]
    for position, edges in enumerate(nodes, 1):
        starts = [(values[start], name) for start, name in edges] if position in needed else []
        parts = [_NB201_OPS[name](s, start, filters) for start, name in starts if start is not None]
        values.append(_sum(s, parts) if parts else None)
    end = values[-1]
    return x if end is None else end


def _edges(node: str) -> list[tuple[str, str]]:
    edges = [edge.split("~") for edge in node.strip("|").split("|")]
    return [(name, number) for name, number in edges if name != "none"]


def _sum(s: Sketch, parts: list[int]) -> int:
    total = parts[0]
    for part in parts[1:]:
        total = s.add(total, part)
    return total


_NB201_OPS: dict[str, Callable[[Sketch, int, int], int]] = {
    "skip_connect": lambda s, x, filters: x,
    "nor_conv_1x1": lambda s, x, filters: s.conv(x, filters, 1),
    "nor_conv_3x3": lambda s, x, filters: s.conv(x, filters, 3),
    "avg_pool_3x3": lambda s, x, filters: s.pool(x, 3, 1),
}
