"""What a network cut out of the ImageNet MobileNet v2 is worth, beside the same network trained from scratch.

    .venv/bin/python benchmarks/models_inherit.py time|short|quarter|rungs|cost|recipe [rice|signs] [64|96] [--write]

    time     120 s of processor time for each way at ×0.35 width: test accuracy, float and int8
    short    the same with 30 s
    quarter  the same with 60 s and a quarter of the training pictures
    rungs    does a head fitted right after inheriting rank architectures as their training does?
    cost     processor time of one inheritance, and what its parts are worth
    recipe   peak learning rates after inheriting, judged on validation pictures

Processor time counts everything from building the network on: inheriting, fitting the head, compiling the step,
training. Every way has one thread. Twins are kept in one split. Each way sees the test pictures once.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import keras
import numpy as np
from PIL import Image
from search_real_images import SHARED, class_folders

from marketplace.datasets.splitting import split_pictures
from marketplace.datasets.twins import groups_of
from models import succession
from models.architecture import Architecture
from models.channel_choice import carry_channels, keep_channels
from models.correct import correct
from models.families import FAMILIES
from models.inherit import inherit
from models.network import build_network
from models.pretrained import Parent, load_parent
from models.quantize import quantize_to
from models.transfer import feature_extractor, set_head
from search.answers import classify_int8
from search.head import fit_head
from search.learner import Learner
from search.schedule import PEAK_RATE, WARM_UP
from search.train import limit_threads
from search.tuning import Tuning

RESULTS = Path(__file__).with_name("RESULTS.md")
BACKBONE = SHARED / "data" / "pretrained" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
SETS = {"signs": "sign_digits10.zip", "rice": "rice_leaf5.zip"}
WIDTH, BATCH, CALIBRATION, INT8_CALIBRATION = 0.35, 32, 128, 200
INHERITED_PEAK = 2e-3
"""Peak learning rate after inheriting; `recipe` compares it with others."""


@dataclass(frozen=True)
class Task:
    """Pictures of one side, split once with twins together."""

    title: str
    images: np.ndarray
    labels: np.ndarray
    splits: np.ndarray

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1

    def part(self, split: int) -> tuple[np.ndarray, np.ndarray]:
        """Return pictures and labels of a split: 0 training, 1 validation, 2 test."""
        return self.images[self.splits == split], self.labels[self.splits == split]

    def quarter(self) -> Task:
        """Return the task with every fourth training picture of each class."""
        splits = self.splits.copy()
        for label in range(self.classes):
            members = np.flatnonzero((self.labels == label) & (splits == 0))
            splits[np.delete(members, np.s_[::4])] = 3
        return replace(self, title=f"{self.title}, a quarter", splits=splits)


def task_of(name: str, image_px: int) -> Task:
    """Return one of the sets at a resolution."""
    images, labels, _ = class_folders(SETS[name], image_px)
    thumbs = np.stack([np.asarray(Image.fromarray(each).resize((16, 16), Image.Resampling.BOX)) for each in images])
    splits, _ = split_pictures(labels.tolist(), groups_of(thumbs).tolist(), 0)
    return Task(f"{name} {image_px} px", images, labels, np.array(splits))


def published(width: float, image_px: int) -> Architecture:
    """Return MobileNet v2 at a width."""
    return replace(FAMILIES["mobilenet_v2"].published[f"mobilenet-v2-{width:g}"], image_px=image_px)


class Clock:
    """Processor time that may be used, counted from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._started = seconds, time.process_time()

    @property
    def used(self) -> float:
        """Seconds of processor time so far."""
        return time.process_time() - self._started


def from_scratch(task: Task, architecture: Architecture, seconds: float, seed: int = 0) -> keras.Model:
    """Return the network after training new weights as the project trains them."""
    clock = Clock(seconds)
    network = build_network(architecture, task.classes, seed)
    learn(network, task, clock, peak=PEAK_RATE, tuning=None, seed=seed)
    return network


def inherited(
    task: Task,
    architecture: Architecture,
    seconds: float,
    *,
    peak: float = INHERITED_PEAK,
    still_norms: bool = False,
    seed: int = 0,
) -> keras.Model:
    """Return the network after inheriting, fitting the head and training all of it."""
    clock = Clock(seconds)
    network = with_head(task, succeed(task, architecture, seed))
    names = [layer.name for layer in network.layers if layer.weights and not layer.name.endswith("_norm")]
    tuning = Tuning(dict.fromkeys(names, 1.0)) if still_norms else None
    learn(network, task, clock, peak=peak, tuning=tuning, seed=seed)
    return network


def succeed(task: Task, architecture: Architecture, seed: int = 0) -> keras.Model:
    """Return the network as it is right after inheriting."""
    images, _ = task.part(0)
    chosen = np.random.default_rng(seed).permutation(len(images))[:CALIBRATION]
    return inherit(parent(), architecture, task.classes, images[np.sort(chosen)], seed=seed)


_PARENTS: list[Parent] = []


def parent() -> Parent:
    """Return the pretrained network, read once."""
    if not _PARENTS:
        _PARENTS.append(load_parent(BACKBONE))
    return _PARENTS[0]


def with_head(task: Task, network: keras.Model) -> keras.Model:
    """Return the network with a head fitted to the training pictures' features; validation chooses its strength."""
    extractor = feature_extractor(network)
    (images, labels), (others, truth) = task.part(0), task.part(1)
    features, judged = features_of(extractor, images), features_of(extractor, others)
    head = fit_head(features, labels, lambda each: float(np.mean(each.classify(judged) == truth)), task.classes)
    set_head(network, head.kernel, head.bias)
    return network


def features_of(extractor: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return features (pictures, features)."""
    parts = (images[start : start + 64] for start in range(0, len(images), 64))
    return np.concatenate([np.asarray(extractor((part.astype(np.float32) - 127) / 128)) for part in parts])


def learn(network: keras.Model, task: Task, clock: Clock, *, peak: float, tuning: Tuning | None, seed: int) -> None:
    """Train until the clock's time is used up; the rate follows the project's schedule by share of the time left."""
    images, labels = task.part(0)
    learner = Learner(network, [1.0] * task.classes, BATCH, tuning)
    begin = clock.used
    for step, chosen in enumerate(batches(len(images), seed)):
        share = (clock.used - begin) / (clock.seconds - begin)
        if share >= 1:
            return
        rate = peak * (share / WARM_UP if share < WARM_UP else (1 + np.cos(np.pi * (share - WARM_UP) / 0.9)) / 2)
        learner.learn(images[chosen], labels[chosen].astype(np.int64), max(rate, peak / 100), (seed, step))


def batches(count: int, seed: int) -> Iterator[np.ndarray]:
    """Yield positions of pictures without end, each epoch in another order."""
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(count)
        for start in range(0, count - BATCH + 1, BATCH):
            yield order[start : start + BATCH]


def float_accuracy(network: keras.Model, task: Task, split: int) -> float:
    """Return the share of pictures that the network knows, in percent."""
    images, labels = task.part(split)
    return 100 * float(np.mean(features_of(network, images).argmax(axis=1) == labels))


def int8_accuracy(network: keras.Model, task: Task) -> tuple[float, float]:
    """Return (plain, with corrected weights): test accuracy of the int8 network in percent."""
    images, labels = task.part(2)
    training, _ = task.part(0)
    few = training[np.random.default_rng(0).permutation(len(training))[:INT8_CALIBRATION]]
    with tempfile.TemporaryDirectory(prefix="atoll-bench-") as folder:
        plain, corrected = Path(folder) / "plain.keras", Path(folder) / "corrected.keras"
        network.save(plain)
        correct(plain, training, corrected, seed=0)
        found = []
        for checkpoint in (plain, corrected):
            quantize_to(checkpoint, few, Path(folder) / "model.tflite")
            found.append(100 * float(np.mean(classify_int8(Path(folder) / "model.tflite", images).argmax(1) == labels)))
    return found[0], found[1]


def compare(tasks: list[Task], seconds: float) -> Iterator[str]:
    """Yield a table of both ways at equal processor time."""
    yield "| pictures | seconds | way | test float % | int8 % | int8, corrected % |\n|---|---|---|---|---|---|"
    ways: tuple[tuple[str, Callable[..., keras.Model]], ...] = (("scratch", from_scratch), ("inherited", inherited))
    for task in tasks:
        architecture = published(WIDTH, task.images.shape[1])
        for name, way in ways:
            network = way(task, architecture, seconds)
            plain, corrected = int8_accuracy(network, task)
            known = float_accuracy(network, task, 2)
            yield f"| {task.title} | {seconds:.0f} | {name} | {known:.1f} | {plain:.1f} | {corrected:.1f} |"


def recipe(tasks: list[Task]) -> Iterator[str]:
    """Yield validation accuracy after 25 s for peak rates, with batch norm in training and still."""
    yield "| pictures | peak rate | batch norm | validation float % |\n|---|---|---|---|"
    for task in tasks:
        for still in (False, True):
            for peak in (1e-3, 3e-3):
                architecture = published(WIDTH, task.images.shape[1])
                network = inherited(task, architecture, 25, peak=peak, still_norms=still)
                known = float_accuracy(network, task, 1)
                yield f"| {task.title} | {peak:g} | {'still' if still else 'in training'} | {known:.1f} |"


def shapes(image_px: int) -> list[Architecture]:
    """Return architectures of different width, depth and expansion, drawn once."""
    family, random = FAMILIES["mobilenet_v2"], np.random.default_rng(1)
    choices = {**family.choices(image_px), "resolution": (image_px,)}
    drawn = [{name: random.choice(values).item() for name, values in choices.items()} for _ in range(40)]
    built = sorted((family.build(each) for each in drawn), key=lambda each: each.macs(10))
    return built[:: len(built) // 12][:12]


def rungs(tasks: list[Task]) -> Iterator[str]:
    """Yield how a head right after inheriting ranks twelve architectures, beside their training of 30 s."""
    from scipy.stats import spearmanr

    yield "| pictures | MMAC | head only % | after 30 s of training % | CPU s of inheriting |\n|---|---|---|---|---|"
    for task in tasks:
        found = []
        for architecture in shapes(task.images.shape[1]):
            clock = Clock(0)
            network = succeed(task, architecture)
            seconds = clock.used
            before = float_accuracy(with_head(task, network), task, 1)
            learn(network, task, Clock(30), peak=INHERITED_PEAK, tuning=None, seed=0)
            found.append((before, float_accuracy(network, task, 1), architecture.macs(10) / 1e6))
            yield f"| {task.title} | {found[-1][2]:.1f} | {before:.1f} | {found[-1][1]:.1f} | {seconds:.1f} |"
        head, trained, macs = zip(*found, strict=True)
        by_head, by_macs = spearmanr(head, trained).statistic, spearmanr(macs, trained).statistic
        yield f"| {task.title} | Spearman with training: head only {by_head:.2f}, MACs {by_macs:.2f} | | | |"


def cost(tasks: list[Task]) -> Iterator[str]:
    """Yield the processor time of one inheritance and validation accuracy of a head, with parts left out."""
    yield "| pictures | way | CPU s | head only, validation % |\n|---|---|---|---|"
    for task in tasks:
        for name, without in (("whole", _nothing), ("channels, no mixtures", _mixtures), ("no refit", _refit)):
            undo = without()
            clock = Clock(0)
            network = succeed(task, published(WIDTH, task.images.shape[1]))
            seconds = clock.used
            undo()
            known = float_accuracy(with_head(task, network), task, 1)
            yield f"| {task.title} | {name} | {seconds:.1f} | {known:.1f} |"


def _nothing() -> Callable[[], None]:
    return lambda: None


def _mixtures() -> Callable[[], None]:
    """Let streams carry channels as they are."""
    kept = succession.carry_mixtures

    def carry(stream: np.ndarray, reading: np.ndarray, count: int, seed: int) -> Any:
        del seed
        return carry_channels(stream, keep_channels(stream, np.sqrt(np.diag(reading)), count))

    succession.carry_mixtures = carry
    return lambda: setattr(succession, "carry_mixtures", kept)


def _refit() -> Callable[[], None]:
    """Cut kernels out and give each output the parent's mean and spread, as a batch norm would."""
    from models import heir

    kept, undo_mixtures = (heir.refit, heir.refit_depthwise, succession.Carried), _mixtures()

    def matched(outputs: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        factor = wanted.std(axis=0) / np.maximum(outputs.std(axis=0), 1e-6)
        return factor, (wanted.mean(axis=0) - outputs.mean(axis=0) * factor).astype(np.float32)

    def cut(inputs: np.ndarray, wanted: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        factor, bias = matched(inputs @ start, wanted)
        return (start * factor).astype(np.float32), bias

    def cut_depthwise(patches: np.ndarray, wanted: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        factor, bias = matched(np.einsum("rtc,tc->rc", patches, start), wanted)
        return (start * factor).astype(np.float32), bias

    def undo() -> None:
        undo_mixtures()
        heir.refit, heir.refit_depthwise, _ = kept

    heir.refit, heir.refit_depthwise = cut, cut_depthwise
    return undo


PARTS: dict[str, Callable[[list[Task]], Iterator[str]]] = {
    "time": lambda tasks: compare(tasks, 120),
    "short": lambda tasks: compare(tasks, 30),
    "quarter": lambda tasks: compare([task.quarter() for task in tasks], 60),
    "rungs": rungs,
    "cost": cost,
    "recipe": recipe,
}


def main() -> None:
    """Run the named parts on the named sets and sides, or on all."""
    limit_threads(1)
    asked = sys.argv[1:]
    names = [name for name in SETS if name in asked] or list(SETS)
    sides = [side for side in (64, 96) if str(side) in asked] or [64, 96]
    tasks = [task_of(name, side) for name in names for side in sides]
    for part in [each for each in PARTS if each in asked] or list(PARTS):
        lines = []
        for line in PARTS[part](tasks):
            lines.append(line)
            print(line, flush=True)
        if "--write" in asked:
            machine = f"{date.today()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
            with RESULTS.open("a") as file:
                file.write("\n".join(["", f"#### Inherit: {part} ({machine})", "", *lines, ""]))


if __name__ == "__main__":
    main()
