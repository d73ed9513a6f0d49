"""What a network is worth: train it, quantize it, and count what the int8 file gets right.

Trials are ranked on validation pictures; test pictures are looked at once, for the network that was chosen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgetpu.errors import EdgeTpuError
from models.architecture import Architecture
from models.correct import correct
from models.description import image_px_in
from models.errors import ModelError
from models.quantize import INT8_FILE, QuantizedFiles
from search.answers import classify_float, classify_int8, classify_uint8
from search.cost import cost_of
from search.dataset import Dataset
from search.errors import TrialFailed
from search.progress import OnProgress, Progress, ignore
from search.quantizing import chosen_of, make_candidate
from search.rungs import goes_on, kind_of
from search.scores import agreement, recall_changes, scores_of
from search.spec import SearchSpec
from search.train import CHECKPOINT, Trained, train
from search.trial import TrialRecord

CORRECTION_GAP = 0.01
"""Share of the validation pictures to which a trial's int8 file may give other answers than float before its weights
are corrected. One that answers otherwise is another network, in luck or out of it, and is not what a release would be
made of (`search.quantizing`). Source: benchmarks/RESULTS.md, Quantization."""
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
    parent: Path | None = None,
    knows_pictures: bool = False,
    teacher: Path | None = None,
    history: Sequence[TrialRecord] | None = None,
) -> TrialOutcome:
    """Train and quantize a network and return what it is worth; a second call with the same folder goes on.

    `parent` is a file whose network this one begins from, as for `search.train.train`; None is from scratch.
    `knows_pictures` says whether it has learned these very pictures; `teacher` is a checkpoint whose answers it learns.
    With a `history` of other trials, the training stops at the rung where they promise more; None trains to the end.

    Raises:
        TrialFailed: if the network does not train or convert; the search goes on without it.
    """
    started = time.monotonic()
    cost = cost_of(spec, architecture)
    kind = kind_of(spec, architecture, knows_pictures=knows_pictures)
    asked = None if history is None else partial(goes_on, spec, history, kind, cost.latency_ms)
    trained = train(
        architecture,
        dataset,
        out_dir,
        seed=spec.seed,
        epochs=epochs,
        parent=parent,
        knows_pictures=knows_pictures,
        teacher=teacher,
        on_progress=on_progress,
        goes_on=asked,
    )
    try:
        accuracy = _int8_accuracy(trained, dataset.at(architecture.image_px), spec.seed, on_progress)
    except (ModelError, EdgeTpuError) as error:
        raise TrialFailed(str(error)) from error
    outcome = TrialOutcome(
        validation_accuracy=accuracy,
        float_accuracy=trained.validation_accuracy,
        latency_ms=cost.latency_ms,
        onchip_bytes=cost.onchip_bytes,
        epochs=trained.epochs,
        seconds=time.monotonic() - started,
        metrics={
            **cost.to_json(),
            "rung_accuracies": list(trained.rung_accuracies),
            "longer_epochs": trained.longer_epochs,
        },
        artifacts={name: out_dir / name for name in (CHECKPOINT, INT8_FILE, ARCHITECTURE_FILE)},
    )
    (out_dir / ARCHITECTURE_FILE).write_text(json.dumps(architecture.to_json(), indent=1))
    (out_dir / OUTCOME_FILE).write_text(json.dumps(outcome.to_json()))
    return outcome


def _int8_accuracy(trained: Trained, pictures: Dataset, seed: int, on_progress: OnProgress) -> float:
    """Quantize a trained network beside its checkpoint; return what the file gets right of the validation pictures.

    Where int8 answers otherwise than float, corrected weights are tried too, and chosen as for a release.
    """

    def say(step: str) -> None:
        on_progress(Progress(step, trained.epochs, trained.epochs, None, trained.validation_accuracy))

    say("quantizing")
    network, released = trained.checkpoint, trained.checkpoint.with_name(INT8_FILE)
    wanted = classify_float(network, pictures.validation.images)
    plain = make_candidate("plain", network, pictures, wanted, released, seed=seed)
    say("judging")
    if plain.agreement >= 1 - CORRECTION_GAP:
        return plain.accuracy
    changed, model = network.with_name("corrected.keras"), network.with_name("corrected.tflite")
    correct(network, pictures.train.images, changed, seed=seed)
    corrected = make_candidate("corrected", changed, pictures, wanted, model, seed=seed)
    changed.unlink()
    chosen = chosen_of([plain, corrected])
    if chosen is corrected:
        model.replace(released)
    return chosen.accuracy


def validate_on_cpu(
    checkpoint: Path, files: QuantizedFiles, dataset: Dataset, *, trained: Path | None = None
) -> dict[str, Any]:
    """Return what float, int8 and uint8 network get right on the test pictures; call it once, for the chosen one.

    The result holds `n`, a block of scores for each of float, int8 and uint8 (accuracy with its 95 % interval, balanced
    accuracy, recall and precision per class, confusion matrix), and how often int8 agrees with float and with uint8.

    Args:
        checkpoint: the network that the files were converted from.
        files: its int8 and uint8 file.
        dataset: whose test pictures are looked at.
        trained: the network before its weights were changed for int8, which `float` is then about, so that nothing that
            int8 costs is hidden; `checkpoint_accuracy` says what the changed one gets right in float.
    """
    test = dataset.at(image_px_in(checkpoint)).test
    answers = {
        "float": classify_float(trained or checkpoint, test.images),
        "int8": classify_int8(files.int8, test.images),
        "uint8": classify_uint8(files.uint8, test.images),
    }
    guesses = {name: np.asarray(values).reshape(len(test), -1).argmax(axis=1) for name, values in answers.items()}
    scores = {name: scores_of(test.labels, guess, len(dataset.classes)) for name, guess in guesses.items()}
    changed = classify_float(checkpoint, test.images).argmax(axis=1) if trained else guesses["float"]
    return {
        "n": len(test),
        "classes": list(dataset.classes),
        **scores,
        "checkpoint_accuracy": agreement(changed, test.labels),
        "class_changes": recall_changes(scores["float"], scores["int8"], dataset.classes),
        "float_int8_agreement": agreement(guesses["float"], guesses["int8"]),
        "int8_uint8_agreement": agreement(guesses["int8"], guesses["uint8"]),
    }
