"""Which int8 form of a trained network is released: the one whose answers are closest to the trained network's.

There are three ways, each giving a plain checkpoint whose ordinary conversion is the int8 file:

- `plain`: the trained network as it is.
- `corrected`: kernels rounded first, batch-norm statistics taken anew (`models.correct`); some seconds.
- `trained`: trained for int8 (`models.qat`); a minute or more, so it is tried only where the better of the first two is
  clearly less accurate than float on the validation pictures.

A way that gets a validation picture or two more right than another is not better for that: it may be chance, and what
was taken for it lost two to four points on test pictures (benchmarks/RESULTS.md, Quantization). How far probabilities
are from the float network's shows on every picture. So the closest is taken, unless another is clearly more accurate.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.correct import correct
from models.description import image_px_in
from models.errors import QuantizationFailed
from models.metadata import describe_classifier
from models.qat import train_for_int8
from models.quantize import QuantizedFiles, quantize, quantize_to
from search.answers import classify_float, classify_int8, probabilities_of
from search.augment import augment
from search.dataset import Dataset
from search.scores import agreement, clearly_worse

CALIBRATION_PICTURES = 160
"""With these, int8 stays within a point of float: benchmarks/RESULTS.md, search. More of them cost seconds."""
METHODS: Mapping[str, str] = {
    "plain": "post-training, full int8",
    "corrected": "weights corrected, then post-training, full int8",
    "trained": "quantization-aware training, full int8",
}
"""The ways, as pages and cards name them."""
OnPhase = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to int8, and what came of it on the validation pictures."""

    way: str
    """A key of METHODS."""
    checkpoint: Path
    """The network in float whose conversion is the int8 file."""
    right: NDArray[np.bool_] = field(repr=False, compare=False)
    """(pictures,): those that its int8 file gets right."""
    agreement: float
    """Share of pictures on which the int8 file and the trained float network say the same."""
    distance: float
    """Between the probabilities of the int8 file and of the trained float network, on average, 0 to 1."""

    @property
    def accuracy(self) -> float:
        """Share of the pictures that its int8 file gets right."""
        return float(np.mean(self.right))

    def to_json(self) -> dict[str, Any]:
        """Return what pages and cards show."""
        return {
            "way": self.way,
            "method": METHODS[self.way],
            "validation_accuracy": self.accuracy,
            "agreement": self.agreement,
            "distance": self.distance,
        }


def make_candidate(
    way: str, checkpoint: Path, pictures: Dataset, wanted: NDArray[np.float32], model: Path, *, seed: int
) -> Candidate:
    """Write the int8 file of a checkpoint; return what came of it on the validation pictures.

    Args:
        way: a key of METHODS.
        checkpoint: a float network.
        pictures: at its resolution.
        wanted: probabilities (pictures, classes) of the network as it was trained, for the validation pictures.
        model: where the int8 file goes.
        seed: of the choice of the calibration pictures.

    Raises:
        QuantizationFailed: if the network cannot be converted.
    """
    quantize_to(checkpoint, calibration_pictures(pictures, seed), model)
    found = probabilities_of(classify_int8(model, pictures.validation.images))
    guesses = found.argmax(axis=1)
    right = np.asarray(guesses == pictures.validation.labels)
    agree = agreement(guesses, wanted.argmax(axis=1))
    return Candidate(way, checkpoint, right, agree, float(np.mean(np.abs(found - wanted))))


def chosen_of(tried: Sequence[Candidate]) -> Candidate:
    """Return the one closest to float of those that are not clearly less accurate than the most accurate."""
    most = max(tried, key=lambda each: each.accuracy)
    as_good = [each for each in tried if not clearly_worse(most.right, each.right)]
    return min(as_good, key=lambda each: each.distance)


@dataclass(frozen=True, slots=True)
class Quantized:
    """The files of a release, the checkpoint that they were converted from, and how they were chosen."""

    files: QuantizedFiles
    checkpoint: Path
    chosen: Candidate
    tried: tuple[Candidate, ...]
    failed: Mapping[str, str]
    """Ways that this network does not allow, each with the reason."""
    float_accuracy: float
    """Of the trained network on the validation pictures."""
    seed: int
    """Of the choice of the calibration pictures."""

    def to_json(self) -> dict[str, Any]:
        """Return how the files were chosen, as plain values."""
        return {
            "method": METHODS[self.chosen.way],
            "way": self.chosen.way,
            "validation_float_accuracy": self.float_accuracy,
            "tried": [candidate.to_json() for candidate in self.tried],
            "failed": dict(self.failed),
            "reason": self.reason,
            "calibration_count": self.files.calibration_count,
            "calibration_sha256": self.files.calibration_sha256,
            "calibration_seed": self.seed,
        }

    @property
    def reason(self) -> str:
        """One sentence: why this way."""
        lost = 100 * (self.float_accuracy - self.chosen.accuracy)
        against = f"{lost:.1f} points below float" if lost > 0.05 else "as accurate as float"
        closest = self.chosen.distance <= min(each.distance for each in self.tried)
        of = "" if closest else " the accurate ones among"
        compared = f"The closest to float of{of} {len(self.tried)} ways tried"
        compared = compared if len(self.tried) > 1 else "The only way tried"
        training = any(candidate.way == "trained" for candidate in self.tried)
        unneeded = "" if training or "trained" in self.failed else " Training for int8 was not needed."
        return f"{compared}: {against} on the validation pictures.{unneeded}"


def quantize_best(
    checkpoint: Path,
    dataset: Dataset,
    out_dir: Path,
    *,
    seed: int = 0,
    on_phase: OnPhase = lambda phase: None,
) -> Quantized:
    """Write the int8 and the uint8 file of a trained network, and the checkpoint that they belong to.

    Raises:
        QuantizationFailed: if the network cannot become a file that the compiler takes.
    """
    pictures = dataset.at(image_px_in(checkpoint))
    trial = _Trial(checkpoint, pictures, out_dir / "ways", seed)
    on_phase("Converting to int8")
    trial.judge("plain", checkpoint)
    on_phase("Correcting weights for int8")
    trial.attempt("corrected", lambda target: correct(checkpoint, pictures.train.images, target, seed=seed))
    if trial.loses:
        trial.attempt("trained", lambda target: _train(checkpoint, pictures, target, seed, on_phase))
    kept = out_dir / "chosen" / "checkpoint.keras"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(trial.best.checkpoint, kept)
    files = convert(kept, pictures, out_dir, seed=seed, converted=trial.file_of(trial.best.way))
    shutil.rmtree(out_dir / "ways")
    return Quantized(files, kept, trial.best, tuple(trial.tried), trial.failed, trial.float_accuracy, seed)


def convert(
    checkpoint: Path, dataset: Dataset, out_dir: Path, *, seed: int, converted: Path | None = None
) -> QuantizedFiles:
    """Write the int8 and the uint8 file of a checkpoint, labels and normalization inside; the same ones every time.

    Args:
        checkpoint: a float network.
        dataset: its pictures.
        out_dir: where the files go.
        seed: of the choice of the calibration pictures.
        converted: the int8 file of this checkpoint and seed, if `make_candidate` has made it: it moves to out_dir.
    """
    calibration = calibration_pictures(dataset.at(image_px_in(checkpoint)), seed)
    files = quantize(checkpoint, calibration, out_dir, converted=converted)
    for path in (files.int8, files.uint8):
        describe_classifier(path, dataset.classes)
    return files


def _train(checkpoint: Path, pictures: Dataset, target: Path, seed: int, on_phase: OnPhase) -> None:
    def say(share: float) -> None:
        on_phase(f"Training for int8, {100 * share:.0f} %")

    train_for_int8(checkpoint, pictures.train.images, target, seed=seed, vary=augment, on_share=say)


class _Trial:
    """The ways tried so far, each judged on the same validation pictures."""

    def __init__(self, trained: Path, pictures: Dataset, folder: Path, seed: int) -> None:
        self._pictures, self._folder, self._seed = pictures, folder, seed
        self._float = classify_float(trained, pictures.validation.images)
        self._right = np.asarray(self._float.argmax(axis=1) == pictures.validation.labels)
        self.float_accuracy = float(np.mean(self._right))
        self.tried: list[Candidate] = []
        self.failed: dict[str, str] = {}

    @property
    def best(self) -> Candidate:
        """What would be released of those so far."""
        return chosen_of(self.tried)

    @property
    def loses(self) -> bool:
        """Whether the best so far is clearly less accurate than float."""
        return clearly_worse(self._right, self.best.right)

    def attempt(self, way: str, make: Callable[[Path], None]) -> None:
        """Make a checkpoint and judge it; a network that does not allow this way keeps the others."""
        target = self._folder / way / "checkpoint.keras"
        try:
            make(target)
            self.judge(way, target)
        except QuantizationFailed as error:
            self.failed[way] = str(error)

    def judge(self, way: str, checkpoint: Path) -> None:
        """Convert a checkpoint and compare the answers of its int8 file with labels and with float."""
        made = make_candidate(way, checkpoint, self._pictures, self._float, self.file_of(way), seed=self._seed)
        self.tried.append(made)

    def file_of(self, way: str) -> Path:
        """Return where the int8 file of a way is."""
        return self._folder / f"{way}.tflite"


def calibration_pictures(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    """Return training pictures to calibrate with, every class in its share of the set."""
    order = np.random.default_rng(seed).permutation(len(dataset.train))
    by_class = order[np.argsort(dataset.train.labels[order], kind="stable")]
    chosen = by_class[np.linspace(0, len(order) - 1, min(CALIBRATION_PICTURES, len(order))).astype(int)]
    return np.asarray(dataset.train.images[np.sort(chosen)])
