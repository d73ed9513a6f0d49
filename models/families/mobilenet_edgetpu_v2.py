"""MobileNetEdgeTPUv2: each block is fused or depthwise by itself; and a space of such choices, block by block.

In the published networks some fused blocks have a grouped convolution. The Edge TPU's compiler takes none: it refuses
CONV_2D of version 6, and the published way round, SPLIT before plain convolutions, stayed on the CPU in a real log
(part_v14_mul_split). Here those blocks are fused with a full convolution, which computes whatever the grouped one does:
its weights outside the groups are zeros then. So parameters and multiply-accumulates are more than published, by
what `zeros_of_groups` says.

Source: tensorflow/models, official/projects/edgetpu/vision/modeling/mobilenet_edgetpu_v2_model_blocks.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from models.architecture import Architecture, Block, Choice
from models.families.family import Choices, Family
from models.families.resolution import fitting_strides, resolutions

NAME = "mobilenet_edgetpu_v2"

_GROUPED = "grouped"
_Row = tuple[str, int]
"""Kind and expansion of a block."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """Blocks of equal width: the first has the stride."""

    stride: int
    rows: tuple[_Row, ...]


_DEEP: tuple[_Row, ...] = (("depthwise", 8), *(("depthwise", 4),) * 3)
_STAGES = (
    _Stage(1, (("pointwise", 1),)),
    _Stage(2, (("fused", 8), (_GROUPED, 4))),
    _Stage(2, (("fused", 8), (_GROUPED, 4), ("fused", 4), (_GROUPED, 4))),
    _Stage(2, (("fused", 8), *_DEEP[1:])),
    _Stage(1, _DEEP),
    _Stage(2, _DEEP),
    _Stage(1, _DEEP[:1]),
)
_GROUPED_IN_TINY = frozenset(((2, 0), (2, 2), (3, 0)))
"""Stage and block, from 0, that the smallest network has grouped although they are fused in the others."""


@dataclass(frozen=True, slots=True)
class _Size:
    """What one published network differs in."""

    stem_filters: int
    stem_kernel: int
    filters: tuple[int, ...]
    head_filters: int = 1280
    group_filters: int = 64
    grouped: frozenset[tuple[int, int]] = frozenset()


_SIZES: Mapping[str, _Size] = MappingProxyType(
    {
        "mobilenet-edgetpu-v2-tiny": _Size(32, 5, (16, 32, 48, 80, 112, 160, 192), grouped=_GROUPED_IN_TINY),
        "mobilenet-edgetpu-v2-xs": _Size(32, 5, (16, 32, 48, 96, 144, 160, 192)),
        "mobilenet-edgetpu-v2-s": _Size(64, 5, (24, 48, 64, 128, 160, 192, 256)),
        "mobilenet-edgetpu-v2-m": _Size(64, 5, (32, 64, 80, 160, 192, 240, 320), 1344),
        "mobilenet-edgetpu-v2-l": _Size(64, 7, (32, 64, 96, 192, 240, 256, 384), 1408, 128),
    }
)

_FILTERS: tuple[tuple[Choice, ...], ...] = (
    (8, 16, 24, 32),
    (16, 24, 32, 48, 64),
    (24, 32, 48, 64, 80),
    (32, 48, 64, 96, 128, 160),
    (48, 64, 96, 144, 160, 192),
    (64, 96, 160, 192, 240),
    (96, 128, 192, 256, 320),
)
_LAST_FUSED = (4, 1)
"""Stage and block, from 1, after which no block may be fused: wider full convolutions fill the memory."""
_DISPENSABLE = frozenset((5, 7))
"""Stages without a stride, from 1, of which every block may be left out."""
_KERNELS: tuple[Choice, ...] = (3, 5)
_EXPANSIONS: tuple[Choice, ...] = (2, 4, 8)
_HEADS: tuple[Choice, ...] = (128, 256, 512, 1280)
_SKIP = "skip"
_SMALLEST_MAP_PX = 4
_GIVEN_UP = (6, 0, 4, 3)
"""Positions in (stem, stage 1, …, stage 7) whose strides small pictures give up, in this order."""


def zeros_of_groups(name: str) -> tuple[int, int]:
    """Return how many weights and multiply-accumulates of a network are zeros if it computes the published one."""
    size, architecture = _SIZES[name], FAMILY.published[name]
    layers = {layer.name: layer for layer in architecture.layers(1000)}
    weights = macs = 0
    for number, kind in enumerate(_kinds(size), 1):
        if kind == _GROUPED:
            expand = layers[f"block{number}_expand"]
            groups = expand.shape[-1] // size.group_filters
            weights += expand.weights - expand.weights // groups
            macs += expand.macs - expand.macs // groups
    return weights, macs


def _kinds(size: _Size) -> list[str]:
    return [
        _GROUPED if (stage, block) in size.grouped else kind
        for stage, group in enumerate(_STAGES)
        for block, (kind, _) in enumerate(group.rows)
    ]


def _published(size: _Size) -> Architecture:
    channels, blocks = size.stem_filters, []
    for stage, filters in zip(_STAGES, size.filters, strict=True):
        for number, (kind, expansion) in enumerate(stage.rows):
            stride = stage.stride if number == 0 else 1
            blocks.append(_block(kind, 3, stride, channels=channels, expansion=expansion, filters=filters))
            channels = filters
    stem = size.stem_filters
    return Architecture(NAME, 224, stem, tuple(blocks), size.head_filters, stem_kernel=size.stem_kernel)


def _block(kind: str, kernel: int, stride: int, *, channels: int, expansion: int, filters: int) -> Block:
    if kind == "pointwise":
        return Block(kind, 1, 1, 0, filters)
    return Block("fused" if kind == _GROUPED else kind, kernel, stride, channels * expansion, filters)


def _choices(image_px: int) -> Choices:
    """Return what can be chosen: resolution, stem, head, stage widths; of each block kind, kernel and expansion."""
    choices: dict[str, tuple[Choice, ...]] = {
        "resolution": resolutions(image_px),
        "head": _HEADS,
        "stem_filters": (16, 32, 64),
        "stem_kernel": _KERNELS,
    }
    for stage, group in enumerate(_STAGES, 1):
        choices[f"stage{stage}_filters"] = _FILTERS[stage - 1]
        for block in range(1, len(group.rows) + 1 if stage > 1 else 1):
            choices[f"stage{stage}_block{block}_kind"] = _kinds_for(stage, block)
            choices[f"stage{stage}_block{block}_kernel"] = _KERNELS
            choices[f"stage{stage}_block{block}_expansion"] = _EXPANSIONS
    return choices


def _kinds_for(stage: int, block: int) -> tuple[Choice, ...]:
    may_skip = block > 1 or stage in _DISPENSABLE
    skips, fused = (_SKIP,) if may_skip else (), ("fused",) if (stage, block) <= _LAST_FUSED else ()
    return (*skips, "depthwise", *fused)


def _build(choices: Mapping[str, Choice]) -> Architecture:
    """Return the architecture of one value for each choice."""
    image_px, stem_filters = int(choices["resolution"]), int(choices["stem_filters"])
    published = [2, *(stage.stride for stage in _STAGES)]
    stem_stride, *strides = fitting_strides(image_px, published, given_up=_GIVEN_UP, smallest_px=_SMALLEST_MAP_PX)
    channels = int(choices["stage1_filters"])
    blocks = [Block("pointwise", 1, 1, 0, channels)]
    for stage, stride in enumerate(strides[1:], 2):
        blocks += _chosen_blocks(choices, stage, stride, channels)
        channels = blocks[-1].filters
    head, kernel = int(choices["head"]), int(choices["stem_kernel"])
    return Architecture(
        NAME, image_px, stem_filters, tuple(blocks), head, stem_stride, dict(choices), stem_kernel=kernel
    )


def _chosen_blocks(choices: Mapping[str, Choice], stage: int, stride: int, channels: int) -> list[Block]:
    """Return the blocks of a stage that are not skipped."""
    filters, blocks = int(choices[f"stage{stage}_filters"]), []
    for number in range(1, len(_STAGES[stage - 1].rows) + 1):
        name = f"stage{stage}_block{number}"
        kind, kernel = str(choices[f"{name}_kind"]), int(choices[f"{name}_kernel"])
        if kind != _SKIP:
            expansion = int(choices[f"{name}_expansion"])
            blocks.append(_block(kind, kernel, stride, channels=channels, expansion=expansion, filters=filters))
            stride, channels = 1, filters
    return blocks


def _shape(size: _Size, *, depth: int, widest: int = 8) -> Mapping[str, Choice]:
    """Return a published network in words of the space, at most so many blocks a stage and so wide inside."""
    shape: dict[str, Choice] = {"stem_filters": size.stem_filters, "stem_kernel": size.stem_kernel}
    for stage, (group, filters) in enumerate(zip(_STAGES, size.filters, strict=True), 1):
        shape[f"stage{stage}_filters"] = filters
        for block, (kind, expansion) in enumerate(group.rows if stage > 1 else (), 1):
            name = f"stage{stage}_block{block}"
            wanted = "fused" if kind == _GROUPED else kind
            shape[f"{name}_kind"] = wanted if block <= depth else _SKIP
            shape[f"{name}_kernel"] = 3
            shape[f"{name}_expansion"] = min(expansion, widest)
    return MappingProxyType(shape)


def _shapes(sizes: Sequence[_Size]) -> tuple[Mapping[str, Choice], ...]:
    return tuple(_shape(size, depth=depth, widest=2 * depth) for size in sizes for depth in (4, 2))


_HALF_OF_XS = _Size(16, 3, (8, 16, 24, 48, 64, 96, 96))

FAMILY = Family(
    name=NAME,
    title="MobileNetEdgeTPUv2",
    published=MappingProxyType({name: _published(size) for name, size in _SIZES.items()}),
    choices=_choices,
    build=_build,
    shapes=_shapes((_SIZES["mobilenet-edgetpu-v2-xs"], _SIZES["mobilenet-edgetpu-v2-s"], _HALF_OF_XS)),
)
