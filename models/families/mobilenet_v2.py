"""MobileNet v2: inverted bottlenecks with depthwise convolutions throughout; ReLU6.

Its space cuts the published network in width, depth and expansion, stage by stage, so that whatever comes out of it can
take over weights of the network that was trained on ImageNet.

Source: Sandler et al. 2018, table 2; tensorflow/models, research/slim/nets/mobilenet/mobilenet_v2.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from models.architecture import Architecture, Choice
from models.families.family import Choices, Family, round_filters
from models.families.resolution import fitting_strides, resolutions
from models.families.stages import Stage, blocks_of

NAME = "mobilenet_v2"


_STAGES = (
    Stage("depthwise", 3, 1, 1, 16, 1),
    Stage("depthwise", 3, 2, 6, 24, 2),
    Stage("depthwise", 3, 2, 6, 32, 3),
    Stage("depthwise", 3, 2, 6, 64, 4),
    Stage("depthwise", 3, 1, 6, 96, 3),
    Stage("depthwise", 3, 2, 6, 160, 3),
    Stage("depthwise", 3, 1, 6, 320, 1),
)
_STEM_FILTERS, _HEAD_FILTERS = 32, 1280

_PUBLISHED_WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
_PUBLISHED_PX = 224

_WIDTHS: tuple[Choice, ...] = (0.35, 0.5, 0.75, 1.0)
_EXPANSIONS: tuple[Choice, ...] = (3, 4, 6)
_HEADS: tuple[Choice, ...] = (320, 640, 1280)
_SMALLEST_MAP_PX = 2
"""Side of the last feature map below which strides are given up; at 64 px the published strides leave 2 px.

With other strides a network is no longer the published one and must learn much anew; at 64 px it computes 44 instead of
25 million multiply-accumulates, too."""
_GIVEN_UP = (6, 4, 0, 3)
"""Positions in (stem, stage 1, …, stage 7) whose strides small pictures give up, in this order."""


def _choices(image_px: int) -> Choices:
    """Return what can be chosen: resolution, head, and of each stage its width, depth and expansion."""
    choices: dict[str, tuple[Choice, ...]] = {"resolution": resolutions(image_px), "head": _HEADS}
    for number, stage in enumerate(_STAGES, 1):
        choices[f"stage{number}_width"] = _WIDTHS
        if stage.depth > 1:
            choices[f"stage{number}_depth"] = tuple(range(1, stage.depth + 1))
        if stage.expansion > 1:
            choices[f"stage{number}_expansion"] = _EXPANSIONS
    return choices


def _build(choices: Mapping[str, Choice]) -> Architecture:
    """Return the architecture of one value for each choice."""
    image_px = int(choices["resolution"])
    published = [2, *(stage.stride for stage in _STAGES)]
    stem_stride, *strides = fitting_strides(image_px, published, given_up=_GIVEN_UP, smallest_px=_SMALLEST_MAP_PX)
    stages = [
        Stage(
            stage.kind,
            stage.kernel,
            stride,
            int(choices.get(f"stage{number}_expansion", stage.expansion)),
            round_filters(stage.filters, float(choices[f"stage{number}_width"])),
            int(choices.get(f"stage{number}_depth", stage.depth)),
        )
        for number, (stage, stride) in enumerate(zip(_STAGES, strides, strict=True), 1)
    ]
    stem_width, head = float(choices["stage1_width"]), int(choices["head"])
    return _architecture(image_px, stem_width, stages, head, stem_stride=stem_stride, choices=choices)


def _architecture(
    image_px: int,
    stem_width: float,
    stages: Sequence[Stage],
    head_filters: int,
    *,
    stem_stride: int = 2,
    choices: Mapping[str, Choice] = MappingProxyType({}),
) -> Architecture:
    stem = round_filters(_STEM_FILTERS, stem_width)
    blocks = blocks_of(stages, stem)
    return Architecture(NAME, image_px, stem, blocks, head_filters, stem_stride, dict(choices), activation="relu6")


def _published(width: float) -> Architecture:
    stages = [replace(stage, filters=round_filters(stage.filters, width)) for stage in _STAGES]
    return _architecture(_PUBLISHED_PX, width, stages, round_filters(_HEAD_FILTERS, max(width, 1.0)))


def _shape(width: float, *, lean: bool) -> Mapping[str, Choice]:
    """Return the published stages at one width for all; lean: half their depth and expansion, for small sets."""
    shape: dict[str, Choice] = {}
    for number, stage in enumerate(_STAGES, 1):
        shape[f"stage{number}_width"] = width
        if stage.depth > 1:
            shape[f"stage{number}_depth"] = stage.depth // 2 if lean else stage.depth
        if stage.expansion > 1:
            shape[f"stage{number}_expansion"] = stage.expansion // 2 if lean else stage.expansion
    return MappingProxyType(shape)


def _shallow() -> Mapping[str, Choice]:
    """Return the published stages at full width with one block each."""
    shape = dict(_shape(1.0, lean=False))
    return MappingProxyType({name: 1 if name.endswith("_depth") else value for name, value in shape.items()})


FAMILY = Family(
    name=NAME,
    title="MobileNet v2",
    published=MappingProxyType({f"mobilenet-v2-{width:g}": _published(width) for width in _PUBLISHED_WIDTHS}),
    choices=_choices,
    build=_build,
    shapes=(*(_shape(float(width), lean=lean) for width in _WIDTHS for lean in (False, True)), _shallow()),
)
