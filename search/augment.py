"""Small changes to training pictures that leave their class as it is."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from search.tuning import Mirrors

NO_MIRRORS = Mirrors()
SHIFT, SCALE, ROTATION = 0.10, 0.15, 0.20
"""Largest shift (of the side), largest change of scale, largest rotation (radians, 11°)."""
CONTRAST, BRIGHTNESS = 0.25, 0.15
"""Largest change of contrast, and of brightness (of half the range of pixels)."""


def augment(images: Any, seed: Any, mirrors: Mirrors = NO_MIRRORS) -> Any:
    """Return float pictures in (pixel − 127) / 128, each moved, turned, scaled and lit a little differently.

    Nothing is mirrored unless it is said to be harmless: a mirrored digit, sign or letter is another one.

    Args:
        images: uint8 (batch, side, side, 3).
        seed: int32 (2,); equal seeds give equal changes.
        mirrors: the directions in which half of the pictures are mirrored.
    """
    images = _mirror(images, seed, mirrors)
    batch, side = images.shape[0], images.shape[1]
    random = tf.random.stateless_uniform((7, batch), seed, -1.0, 1.0)
    floats = (tf.cast(images, tf.float32) - 127.0) / 128.0
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=floats,
        transforms=_transforms(random, float(side)),
        output_shape=(side, side),
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )
    contrast = (1.0 + CONTRAST * random[5])[:, None, None, None]
    brightness = (BRIGHTNESS * random[6])[:, None, None, None]
    return tf.clip_by_value(moved * contrast + brightness, -127 / 128, 1.0)


def _mirror(images: Any, seed: Any, mirrors: Mirrors) -> Any:
    for axis, wanted in ((2, mirrors.across), (1, mirrors.down)):
        if wanted:
            chosen = tf.random.stateless_uniform((images.shape[0], 1, 1, 1), seed + axis, -1.0, 1.0) > 0
            images = tf.where(chosen, tf.reverse(images, [axis]), images)
    return images


def _transforms(random: Any, side: float) -> Any:
    """Return (batch, 8) projective transforms from output to input coordinates, turning about the centre."""
    angle, middle = ROTATION * random[0], (side - 1.0) / 2.0
    across, down = 1.0 + SCALE * random[1], 1.0 + SCALE * random[1] + 0.05 * random[2]
    cos, sin, zero = tf.cos(angle), tf.sin(angle), tf.zeros_like(angle)
    a, b, c, d = cos * across, -sin * down, sin * across, cos * down
    right = middle * (1.0 - a - b) + SHIFT * side * random[3]
    lower = middle * (1.0 - c - d) + SHIFT * side * random[4]
    return tf.stack([a, b, right, c, d, lower, zero, zero], axis=1)
