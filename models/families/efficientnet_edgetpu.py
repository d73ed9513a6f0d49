"""EfficientNet-EdgeTPU: fused bottlenecks while channels are few, depthwise ones after; ReLU, no squeeze-excite.

Source: tensorflow/tpu, models/official/efficientnet/edgetpu/efficientnet_edgetpu_builder.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from models.architecture import Architecture, Block, Choice
from models.families.family import Choices, Family, round_filters
from models.families.resolution import fitting_strides, resolutions
from models.families.stages import Stage, blocks_of

NAME = "efficientnet_edgetpu"


_STAGES = (
    Stage("fused", 3, 1, 4, 24, 1),
    Stage("fused", 3, 2, 8, 32, 2),
    Stage("fused", 3, 2, 8, 48, 4),
    Stage("depthwise", 5, 2, 8, 96, 5),
    Stage("depthwise", 5, 1, 8, 144, 4),
    Stage("depthwise", 5, 2, 8, 192, 2),
)
_STEM_FILTERS, _FIRST_FILTERS_IN, _HEAD_FILTERS = 32, 24, 1280
"""The published stem gives 32 channels, the published first stage expands 24."""

_SMALLEST_MAP_PX = 4
"""Side of the last feature map below which strides are given up: smaller maps hold no shape to recognise."""
_GIVEN_UP = (6, 0, 4, 3)
"""Positions in (stem, stage 1, …, stage 6) whose strides small pictures give up, in this order."""

_DEPTHS: tuple[tuple[Choice, ...], ...] = ((1,), (1, 2), (1, 2, 4), (1, 2, 3, 5), (0, 1, 2, 4), (0, 1, 2))
_WIDTHS: tuple[Choice, ...] = (0.25, 0.35, 0.5, 0.65, 0.8, 1.0, 1.2)
_HEADS: tuple[Choice, ...] = (128, 256, 512, 1280)


def _choices(image_px: int) -> Choices:
    """Return what can be chosen for pictures of at most `image_px`: resolution, width, head and each stage's shape."""
    choices: dict[str, tuple[Choice, ...]] = {
        "resolution": resolutions(image_px),
        "width": _WIDTHS,
        "head": _HEADS,
    }
    for number, depths in enumerate(_DEPTHS, 1):
        choices[f"stage{number}_kind"] = ("fused", "depthwise") if number <= 4 else ("depthwise",)
        choices[f"stage{number}_kernel"] = (3, 5)
        choices[f"stage{number}_expansion"] = (2, 4, 8)
        choices[f"stage{number}_depth"] = depths
    return choices


def _build(choices: Mapping[str, Choice]) -> Architecture:
    """Return the architecture of one value for each choice."""
    image_px, width = int(choices["resolution"]), float(choices["width"])
    published = [2, *(stage.stride for stage in _STAGES)]
    stem_stride, *strides = fitting_strides(image_px, published, given_up=_GIVEN_UP, smallest_px=_SMALLEST_MAP_PX)
    stages = [
        Stage(
            str(choices[f"stage{number}_kind"]),
            int(choices[f"stage{number}_kernel"]),
            stride,
            int(choices[f"stage{number}_expansion"]),
            stage.filters,
            int(choices[f"stage{number}_depth"]),
        )
        for number, (stage, stride) in enumerate(zip(_STAGES, strides, strict=True), 1)
    ]
    stem_filters = round_filters(_STEM_FILTERS, width)
    blocks = _blocks(stages, width)
    return Architecture(NAME, image_px, stem_filters, blocks, int(choices["head"]), stem_stride, dict(choices))


def _blocks(stages: Iterable[Stage], width: float) -> tuple[Block, ...]:
    widened = [replace(stage, filters=round_filters(stage.filters, width)) for stage in stages]
    return blocks_of(widened, round_filters(_FIRST_FILTERS_IN, width))


def _published(width: float, depth: float, image_px: int) -> Architecture:
    stages = [replace(stage, depth=math.ceil(stage.depth * depth)) for stage in _STAGES]
    stem_filters, head_filters = round_filters(_STEM_FILTERS, width), round_filters(_HEAD_FILTERS, width)
    return Architecture(NAME, image_px, stem_filters, _blocks(stages, width), head_filters)


def _shape(stages: Sequence[Stage]) -> Mapping[str, Choice]:
    parts = ("kind", "kernel", "expansion", "depth")
    named = {f"stage{number}_{part}": (stage, part) for number, stage in enumerate(stages, 1) for part in parts}
    return MappingProxyType({name: getattr(stage, part) for name, (stage, part) in named.items()})


def _lean() -> list[Stage]:
    """Return the published stages with half their depth and expansion: for small pictures and small sets."""
    return [replace(stage, depth=max(1, stage.depth // 2), expansion=4) for stage in _STAGES]


FAMILY = Family(
    name=NAME,
    title="EfficientNet-EdgeTPU",
    published=MappingProxyType(
        {
            "efficientnet-edgetpu-s": _published(1.0, 1.0, 224),
            "efficientnet-edgetpu-m": _published(1.0, 1.1, 240),
            "efficientnet-edgetpu-l": _published(1.2, 1.4, 300),
        }
    ),
    choices=_choices,
    build=_build,
    shapes=(_shape(_STAGES), _shape(_lean())),
)
