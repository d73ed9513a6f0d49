"""How often an imported model is right, in float and in 8 bits, and how its pixels become numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgetpu.graph import Tensor
from edgetpu.runtime import run_on_cpu
from models.errors import ForeignRefused
from models.pixels import RANGES, PixelRange
from search.scores import agreement, scores_of
from workers.jobs.import_pictures import Pictures, Pixels

if TYPE_CHECKING:
    from models.foreign.model import Foreign, Served

Guesses = NDArray[np.int64]
AUTOMATIC = "auto"
TRAINED_ELSEWHERE = (
    "If it was trained elsewhere on pictures that are among these test pictures, its accuracy here is better than on "
    "new ones."
)
SURE_POINTS = 0.1
"""A range is guessed only where it is right on so much more of the pictures than by chance."""


def labels_of(given: Sequence[str], pictures: Pictures | None, answers: int | None) -> list[str]:
    """Return the names of a model's answers, or nothing where they are not known.

    Raises:
        ForeignRefused: if there are more or fewer names than answers.
    """
    if given and answers is not None and len(given) != answers:
        raise ForeignRefused(
            f"You gave {len(given):,} labels, and the model has {answers:,} answers. Give one label a line, in the "
            "order of the answers, or none."
        )
    if given:
        return list(given)
    return list(pictures.classes) if pictures is not None and answers == len(pictures.classes) else []


def range_of(
    key: str, foreign: Foreign, served: Served, *, pictures: Pictures | None, labels: Sequence[str]
) -> tuple[PixelRange, str]:
    """Return how pixels become the input, and the sentence that says why.

    Raises:
        ForeignRefused: if nobody said it and it cannot be seen from the pictures.
    """
    if foreign.pixels is not None:
        return foreign.pixels, f"Its own first layer says how it reads pixels: {foreign.pixels.title}."
    if key != AUTOMATIC:
        return RANGES[key], f"As you said, it reads {RANGES[key].title}."
    if pictures is None:
        return RANGES["signed"], ""
    truth = true_answers(pictures.classes, pictures.calibration_labels, labels)
    if truth is None:
        raise ForeignRefused(
            "Choose how pixels become the network's input (“Pixels” on the form): it cannot be found out from these "
            "pictures, because their classes are not the model's answers."
        )
    shares = {one.key: _share_right(served, pictures.calibration, one, truth) for one in RANGES.values()}
    best = max(shares, key=lambda key: shares[key])
    if shares[best] < 1 / max(len(labels), 1) + SURE_POINTS:
        raise ForeignRefused(
            f"With every usual way of turning pixels into numbers, this network is right on at most "
            f"{100 * shares[best]:.0f} % of {len(truth):,} training pictures. Choose the way that it was trained with "
            "(“Pixels” on the form), and check that the labels are in the order of its answers."
        )
    return RANGES[best], (
        f"It reads {RANGES[best].title}: found out by trying, {100 * shares[best]:.0f} % of {len(truth):,} training "
        "pictures were right."
    )


def plain_pixels(tensor: Tensor) -> PixelRange:
    """Return the range with which a pixel goes in as it is (int8: minus 128), as cameras and examples feed it."""
    scale, zero_point = scale_of(tensor)
    lowest = -128 if tensor.dtype == "int8" else 0
    title = "the pixel as it is, 0 to 255" if lowest == 0 else "the pixel minus 128"
    return PixelRange("plain", title, scale, (lowest - zero_point) * scale)


def why_not_judged(pictures: Pictures | None, labels: Sequence[str], answers: int | None) -> str:
    """Return why the accuracy cannot be judged, as a sentence; empty if it can, or if there are no pictures."""
    if pictures is None:
        return ""
    if answers is None:
        return "It does not give one number for each class, so its accuracy was not judged; only classifiers are."
    if labels and true_answers(pictures.classes, pictures.test_labels, labels) is not None:
        return ""
    count = len(pictures.classes)
    if not labels:
        return (
            f"It has {answers:,} answers and the dataset {count:,} classes, so its accuracy was not judged; the "
            "pictures were used for calibration alone. Bring it again with its labels if the classes are among them."
        )
    known = {label.casefold() for label in labels}
    missing = next(name for name in pictures.classes if name.casefold() not in known)
    return f"The dataset's class “{missing[:60]}” is not among the labels, so its accuracy was not judged."


def _share_right(served: Served, images: Pixels, pixels: PixelRange, truth: Guesses) -> float:
    return float(np.mean(float_guesses(served, images, pixels) == truth))


def float_guesses(served: Served, images: Pixels, pixels: PixelRange) -> Guesses:
    """Return the answer that the float network gives to each picture."""
    return np.array(
        [served(image[None].astype(np.float32) * pixels.scale + pixels.offset)[0].argmax() for image in images]
    )


def file_guesses(model: Path, tensor: Tensor, images: Pixels, pixels: PixelRange) -> Guesses:
    """Return the answer that an int8 or uint8 file gives to each picture."""
    answers = run_on_cpu(model, quantized_pixels(tensor, pixels)[images], kernels="optimized")
    return np.asarray(answers).reshape(len(images), -1).argmax(axis=1)


def quantized_pixels(tensor: Tensor, pixels: PixelRange) -> NDArray[Any]:
    """Return the input value of each pixel value, 0 to 255, as a table."""
    scale, zero_point = scale_of(tensor)
    whole = np.round((np.arange(256) * pixels.scale + pixels.offset) / scale) + zero_point
    limits = np.iinfo(np.dtype(tensor.dtype))
    return np.clip(whole, limits.min, limits.max).astype(tensor.dtype)


def scale_of(tensor: Tensor) -> tuple[float, int]:
    """Return the scale and the zero point of a quantized tensor.

    Raises:
        ForeignRefused: if it has none.
    """
    if tensor.quantization is None:
        raise ForeignRefused(
            f"“{tensor.name[:80]}” of this file is {tensor.dtype} without a scale, so nobody can say what its numbers "
            "mean. Convert the network again with full-integer quantization."
        )
    return tensor.quantization.scales[0], tensor.quantization.zero_points[0]


def true_answers(classes: Sequence[str], dataset_labels: Guesses, labels: Sequence[str]) -> Guesses | None:
    """Return the answer that is right for each picture, or None if the model does not know every class."""
    position = {name.casefold(): at for at, name in enumerate(labels)}
    places = [position.get(name.casefold()) for name in classes]
    if not labels or any(place is None for place in places):
        return None
    return np.array([place for place in places if place is not None])[dataset_labels]


def judged(pictures: Pictures, labels: Sequence[str], guesses: Mapping[str, Guesses]) -> dict[str, Any]:
    """Return the figures of the test split as pages, cards and the API show them.

    Args:
        pictures: with the classes of the dataset.
        labels: the model's answers; those that are no class of the dataset count as one, “something else”.
        guesses: by "float", "int8" and "uint8", where there is such a form.
    """
    position = {name.casefold(): at for at, name in enumerate(pictures.classes)}
    other = len(pictures.classes)
    table = np.array([position.get(name.casefold(), other) for name in labels])
    classes = other + (1 if other in table else 0)
    found = {form: scores_of(pictures.test_labels, table[guess], classes) for form, guess in guesses.items()}
    main = found.get("int8") or found["uint8"]  # the same arithmetic; only the picture comes in another type
    counts = np.bincount(pictures.test_labels, minlength=other)
    return {
        "split": "test",
        "pictures": len(pictures.test_labels),
        **{f"{form}_accuracy": scores["accuracy"] for form, scores in found.items()},
        "int8_accuracy": main["accuracy"],
        "balanced_int8_accuracy": main["balanced_accuracy"],
        "interval": [main["low_95"], main["high_95"]],
        "agreement": agreement(guesses["float"], guesses["int8"]) if {"float", "int8"} <= set(guesses) else None,
        "per_class": [
            {
                "name": name,
                "recall": main["recall"][at],
                "precision": main["precision"][at],
                "pictures": int(counts[at]),
            }
            for at, name in enumerate(pictures.classes)
        ],
        "confusion": main["confusion"] if list(labels) == list(pictures.classes) else [],
    }
