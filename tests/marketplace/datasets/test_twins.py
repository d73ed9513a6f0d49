"""Near-identical pictures are found, strangers are not."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from marketplace.datasets.pictures import THUMB_PX
from marketplace.datasets.twins import Thumbs, groups_of
from tests.marketplace.datasets.archives import noise


def thumb(image: Image.Image) -> Thumbs:
    return np.asarray(image.convert("RGB").resize((THUMB_PX, THUMB_PX), Image.Resampling.BOX))


def scene(seed: int) -> Image.Image:
    """A soft picture like a photograph: large areas, few details."""
    return noise(seed, 12).resize((224, 224), Image.Resampling.BICUBIC)


def group_sizes(thumbs: list[Thumbs]) -> list[int]:
    return sorted(
        (count for count in Counter(groups_of(np.stack(thumbs)).tolist()).values() if count > 1), reverse=True
    )


def test_a_burst_is_one_group() -> None:
    strangers = [scene(seed) for seed in range(60)]
    burst = [strangers[0].crop((shift, 0, 220 + shift, 220)) for shift in range(4)]
    brighter = ImageEnhance.Brightness(strangers[1]).enhance(1.2)
    assert group_sizes([thumb(one) for one in [*strangers, *burst, brighter]]) == [5, 2]


def test_strangers_are_no_group() -> None:
    assert group_sizes([thumb(scene(seed)) for seed in range(100)]) == []


def test_pictures_of_one_colour_are_no_group() -> None:
    plain = [Image.new("RGB", (32, 32), (shade, 40, 40)) for shade in range(40, 60)]
    assert group_sizes([thumb(one) for one in plain]) == []


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 20])
def test_a_handful_of_pictures_is_no_problem(count: int) -> None:
    assert len(groups_of(np.stack([thumb(scene(n)) for n in range(count)] or [thumb(scene(0))])[:count])) == count


def test_long_bursts_of_many_scenes_take_little_time() -> None:
    random = np.random.default_rng(0)
    scenes = np.stack([thumb(scene(seed)) for seed in range(40)]).repeat(50, axis=0).astype(np.int16)
    shaken = np.clip(scenes + random.integers(-3, 4, scenes.shape), 0, 255).astype(np.uint8)
    begun = time.process_time()
    groups = groups_of(shaken)
    assert time.process_time() - begun < 10
    assert Counter(Counter(groups.tolist()).values()) == {50: 40}


def test_a_common_background_does_not_make_one_giant_group() -> None:
    """A camera that hangs still over a conveyor belt: one background, other things on it."""
    background = np.asarray(scene(1).resize((64, 64))).astype(np.int16)
    pictures = []
    for seed in range(120):
        picture = background.copy()
        left, top = np.random.default_rng(seed).integers(4, 44, 2)
        picture[top : top + 16, left : left + 16] = np.asarray(noise(seed, 16))
        pictures.append(thumb(Image.fromarray(picture.astype(np.uint8))))
    assert max(group_sizes(pictures), default=0) <= 6


def test_groups_do_not_depend_on_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [scene(seed) for seed in range(150)]
    thumbs = np.stack([thumb(one) for one in [*pictures, *(p.crop((2, 1, 223, 222)) for p in pictures[:30])]])
    whole = groups_of(thumbs)
    monkeypatch.setattr("marketplace.datasets.twins.TILE", 32)
    monkeypatch.setattr("marketplace.datasets.twins.PAIRS_AT_ONCE", 5)
    assert np.array_equal(groups_of(thumbs), whole)
    assert sorted(Counter(whole.tolist()).values())[-1] == 2
