"""How well the time of a training is foretold: random networks, one core, processor time of a training step.

    .venv/bin/python benchmarks/search_training_cost.py [networks, 12]
    .venv/bin/python benchmarks/search_training_cost.py taught

Prints each network and the error of `search.cost.training_seconds`, whose two constants were fitted to such a table; or
what it takes to learn from whole MobileNets of several sizes.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.search_parents import mobilenet
from models.architecture import Architecture
from models.families import FAMILIES
from models.network import build_network
from search.cost import training_seconds
from search.learner import Learner
from search.schedule import schedule_for
from search.spec import SearchSpec
from search.train import limit_threads

BATCH, CLASSES, SECONDS = 32, 10, 4.0


def random_architecture(random: np.random.Generator) -> Architecture:
    """Return a network of 2 to 120 million multiply-accumulates at 24 to 128 px."""
    family = FAMILIES["efficientnet_edgetpu"]
    while True:
        choices = family.choices(int(random.choice([32, 64, 128])))
        found = family.build({name: values[random.integers(len(values))] for name, values in choices.items()})
        if 2e6 < found.macs(CLASSES) < 1.2e8:
            return found


def step_ms(
    architecture: Architecture, random: np.random.Generator, teacher: Architecture | None = None
) -> tuple[float, float]:
    """Return milliseconds of processor time per picture, and seconds of preparing and tracing."""

    def pictures(side: int) -> NDArray[np.uint8]:
        return random.integers(0, 256, (BATCH, side, side, 3)).astype(np.uint8)

    def network(of: Architecture) -> keras.Model:
        return build_network(of, CLASSES, seed=0)

    images, labels = pictures(architecture.image_px), random.integers(0, CLASSES, BATCH)
    seen = None if teacher is None or teacher.image_px == architecture.image_px else pictures(teacher.image_px)
    pupil, teaches = network(architecture), None if teacher is None else network(teacher)
    started = time.process_time()
    learner = Learner(pupil, [1.0] * CLASSES, BATCH, teacher=teaches)
    float(learner.learn(images, labels, 1e-3, (0, 0), seen)[0])
    traced, steps = time.process_time() - started, 0
    started = time.process_time()
    while time.process_time() - started < SECONDS:
        float(learner.learn(images, labels, 1e-3, (0, steps), seen)[0])
        steps += 1
    return (time.process_time() - started) * 1000 / steps / BATCH, traced


def taught() -> None:
    """Measure and print what teachers take."""
    random = np.random.default_rng(0)
    print(
        "| pupil (one block a stage) | teacher | preparing and tracing s | ms a picture |\n| --- | --- | ---: | ---: |"
    )
    for px, teachers in ((64, (None, 64, 128)), (96, (None, 64, 96, 112))):
        for teacher_px in teachers:
            teacher = None if teacher_px is None else mobilenet(teacher_px)
            ms, traced = step_ms(mobilenet(px, depth=1), random, teacher)
            print(f"| {px} px | {f'{teacher_px} px' if teacher_px else 'none'} | {traced:.1f} | {ms:.2f} |", flush=True)


def main() -> None:
    """Measure and print."""
    limit_threads(1)
    if sys.argv[1:] == ["taught"]:
        taught()
        return
    random, errors, traces = np.random.default_rng(0), [], []
    spec = SearchSpec(CLASSES, 128, latency_limit_ms=5, device="devboard", training_pictures=1000)
    seen = schedule_for(1000).epochs * schedule_for(1000).steps_per_epoch * schedule_for(1000).batch
    print("| px | blocks | MMAC | tracing s | ms a picture | foretold |\n| --- | --- | --- | --- | --- | --- |")
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 12):
        architecture = random_architecture(random)
        measured, traced = step_ms(architecture, random)
        foretold = training_seconds(spec, architecture) * 1000 / seen
        errors.append(np.log(foretold / measured))
        traces.append(traced)
        size = f"{architecture.image_px} | {len(architecture.blocks)} | {architecture.macs(CLASSES) / 1e6:.1f}"
        print(f"| {size} | {traced:.1f} | {measured:.2f} | {foretold:.2f} |", flush=True)
    print(f"\nforetold over measured: median {np.exp(np.median(errors)):.2f}, log-sd {np.std(errors):.2f}; ", end="")
    print(f"tracing {np.mean(traces):.1f} s on average")


if __name__ == "__main__":
    main()
