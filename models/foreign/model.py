"""A model that somebody brought along, opened: a function from one picture to answers, whatever file it came from.

Call it only in a process that is shut off (workers.isolation): the checks here keep out what is known to be hostile,
the process keeps in what is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.errors import ForeignRefused
from models.pixels import PixelRange

COLOURS = (1, 3)
LARGEST_PX = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Foreign:
    """A float network for one picture."""

    call: Callable[[Any], Sequence[Any]]
    """From a float tensor (1, height, width, channels) to a list of outputs."""
    shape: tuple[int, int, int]
    """(height, width, channels) of the picture."""
    owner: Any
    """What holds the weights; it must outlive the function."""
    pixels: PixelRange | None = None
    """How pixels become the input, where the network's own first layer said it; that layer is left out of `call`."""
    parameters: int | None = None
    """Numbers that were trained, where the file says which they are."""


class Served(tf.Module):
    """A foreign network with a fixed input, in the form that TensorFlow saves and converts."""

    def __init__(self, foreign: Foreign) -> None:
        super().__init__()
        self.owner = foreign.owner
        self.shape = (1, *foreign.shape)
        image = tf.TensorSpec(self.shape, tf.float32, name="image")
        self.answer = tf.function(lambda image: tf.nest.flatten(foreign.call(image)), input_signature=[image])

    def __call__(self, image: Any) -> list[NDArray[np.float32]]:
        """Return the outputs for one picture (1, height, width, channels)."""
        return [np.asarray(output) for output in self.answer(tf.constant(image, tf.float32))]


def fixed_shape(shape: Sequence[int | None]) -> tuple[int, int, int]:
    """Return (height, width, channels) of an input (batch, height, width, channels) for pictures.

    Raises:
        ForeignRefused: if it is not for pictures, or its size is open.
    """
    shown = " × ".join("?" if length is None else str(length) for length in shape)
    if len(shape) != 4 or shape[3] not in COLOURS:
        raise ForeignRefused(
            f"The input of this model has the shape {shown}. Atoll calibrates with pictures, so it needs "
            "batch × height × width × 3 (or × 1 for grey), channels last."
        )
    _, height, width, channels = shape
    if height is None or width is None:
        raise ForeignRefused(
            f"The input of this model has the shape {shown}: its height and width are open, and the Edge TPU takes "
            "networks of one size only. Build it with a fixed size, for example keras.Input((224, 224, 3)), and save "
            "it again."
        )
    if max(height, width) > LARGEST_PX or min(height, width) < 1 or shape[0] not in (None, 1, -1):
        raise ForeignRefused(
            f"The input of this model has the shape {shown}. The Edge TPU takes one picture at a time, and Atoll up to "
            f"{LARGEST_PX} px a side: save it with a batch of 1 or an open one."
        )
    return int(height), int(width), int(channels or 0)
