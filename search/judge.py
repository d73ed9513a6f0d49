"""What a network is worth: train it, quantize it, and count what the int8 file gets right.

Trials are ranked on validation pictures; test pictures are looked at once, for the network that was chosen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edgetpu.errors import EdgeTpuError
from edgetpu.runtime import run_on_cpu
from models.architecture import Architecture
from models.errors import ModelError
from models.quantize import INT8_FILE, QuantizedFiles, quantize, quantize_to
from search.cost import cost_of
from search.dataset import Dataset
from search.errors import TrialFailed
from search.progress import OnProgress, Progress, ignore
from search.scores import agreement, scores_of
from search.spec import SearchSpec
from search.train import CHECKPOINT, Trained, train

CALIBRATION_PICTURES = 160
"""With these, int8 stays within a point of float: benchmarks/RESULTS.md, search. More of them cost seconds."""
ARCHITECTURE_FILE, OUTCOME_FILE = "architecture.json", "outcome.json"


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What one trial found."""

    validation_accuracy: float
    """Of the int8 file: what trials are ranked by."""
    float_accuracy: float
    """Of the float network on the same pictures."""
    latency_ms: float
    onchip_bytes: int
    epochs: int
    seconds: float
    metrics: Mapping[str, Any]
    """All costs, as `Cost.to_json` gives them."""
    artifacts: Mapping[str, Path]
    """Files by the name that they are known by."""

    @property
    def rank(self) -> tuple[float, float, float]:
        """What trials are ordered by, larger is better: accuracy in int8, then in float, then speed."""
        return self.validation_accuracy, self.float_accuracy, -self.latency_ms

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain values, paths as text."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {**plain, "metrics": dict(self.metrics), "artifacts": {n: str(p) for n, p in self.artifacts.items()}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrialOutcome:
        """Return the outcome that `to_json` wrote."""
        return cls(**{**value, "artifacts": {name: Path(path) for name, path in value["artifacts"].items()}})


def judge_trial(
    architecture: Architecture,
    dataset: Dataset,
    spec: SearchSpec,
    out_dir: Path,
    on_progress: OnProgress = ignore,
    *,
    epochs: int | None = None,
) -> TrialOutcome:
    """Train and quantize a network and return what it is worth; a second call with the same folder goes on.

    Raises:
        TrialFailed: if the network does not train or convert; the search goes on without it.
    """
    started = time.monotonic()
    trained = train(architecture, dataset, out_dir, seed=spec.seed, epochs=epochs, on_progress=on_progress)
    try:
        accuracy = _int8_accuracy(trained, dataset.at(architecture.image_px), spec.seed, on_progress)
    except (ModelError, EdgeTpuError) as error:
        raise TrialFailed(str(error)) from error
    cost = cost_of(spec, architecture)
    outcome = TrialOutcome(
        validation_accuracy=accuracy,
        float_accuracy=trained.validation_accuracy,
        latency_ms=cost.latency_ms,
        onchip_bytes=cost.onchip_bytes,
        epochs=trained.epochs,
        seconds=time.monotonic() - started,
        metrics=cost.to_json(),
        artifacts={name: out_dir / name for name in (CHECKPOINT, INT8_FILE, ARCHITECTURE_FILE)},
    )
    (out_dir / ARCHITECTURE_FILE).write_text(json.dumps(architecture.to_json(), indent=1))
    (out_dir / OUTCOME_FILE).write_text(json.dumps(outcome.to_json()))
    return outcome


def _int8_accuracy(trained: Trained, pictures: Dataset, seed: int, on_progress: OnProgress) -> float:
    """Quantize a trained network beside its checkpoint; return what the file gets right of the validation pictures."""

    def say(step: str) -> None:
        on_progress(Progress(step, trained.epochs, trained.epochs, None, trained.validation_accuracy))

    model = trained.checkpoint.with_name(INT8_FILE)
    say("quantizing")
    quantize_to(trained.checkpoint, calibration_pictures(pictures, seed), model)
    say("judging")
    guesses = classify_int8(model, pictures.validation.images).argmax(axis=1)
    return float(np.mean(guesses == pictures.validation.labels))


def quantize_best(checkpoint: Path, dataset: Dataset, out_dir: Path, *, seed: int = 0) -> QuantizedFiles:
    """Write the int8 and the uint8 variant of a trained network.

    Raises:
        QuantizationFailed: if the network cannot become a file that the compiler takes.
    """
    return quantize(checkpoint, calibration_pictures(dataset.at(_image_px(checkpoint)), seed), out_dir)


def validate_on_cpu(checkpoint: Path, files: QuantizedFiles, dataset: Dataset) -> dict[str, Any]:
    """Return what float, int8 and uint8 network get right on the test pictures; call it once, for the chosen one.

    The result holds `n`, a block of scores for each of float, int8 and uint8 (accuracy with its 95 % interval, balanced
    accuracy, recall and precision per class, confusion matrix), and how often int8 agrees with float and with uint8.
    """
    test = dataset.at(_image_px(checkpoint)).test
    answers = {
        "float": classify_float(checkpoint, test.images),
        "int8": classify_int8(files.int8, test.images),
        "uint8": run_on_cpu(files.uint8, np.asarray(test.images), kernels="optimized"),
    }
    guesses = {name: np.asarray(values).reshape(len(test), -1).argmax(axis=1) for name, values in answers.items()}
    return {
        "n": len(test),
        "classes": list(dataset.classes),
        **{name: scores_of(test.labels, guess, len(dataset.classes)) for name, guess in guesses.items()},
        "float_int8_agreement": agreement(guesses["float"], guesses["int8"]),
        "int8_uint8_agreement": agreement(guesses["int8"], guesses["uint8"]),
    }


def classify_int8(model: Path, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return the raw answers (pictures, classes) of an int8 file whose input is the pixel − 128."""
    pixels = np.asarray(images)
    return run_on_cpu(model, (pixels ^ 0x80).view(np.int8), kernels="optimized")


def classify_float(checkpoint: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities (pictures, classes) that the float network gives."""
    network = keras.models.load_model(checkpoint, compile=False, safe_mode=True)
    parts = [images[start : start + 64] for start in range(0, len(images), 64)]
    found = [np.asarray(network((part.astype(np.float32) - 127) / 128, training=False)) for part in parts]
    return np.concatenate(found)


def calibration_pictures(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    """Return training pictures to calibrate with, every class in its share of the set."""
    order = np.random.default_rng(seed).permutation(len(dataset.train))
    by_class = order[np.argsort(dataset.train.labels[order], kind="stable")]
    chosen = by_class[np.linspace(0, len(order) - 1, min(CALIBRATION_PICTURES, len(order))).astype(int)]
    return np.asarray(dataset.train.images[np.sort(chosen)])


def _image_px(checkpoint: Path) -> int:
    return int(keras.models.load_model(checkpoint, compile=False, safe_mode=True).input_shape[1])
