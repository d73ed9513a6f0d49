"""How well the time of a training is foretold: random networks, one core, processor time of a training step.

    .venv/bin/python benchmarks/search_training_cost.py [networks, 12]

Prints each network and the error of `search.cost.training_seconds`, whose two constants were fitted to such a table.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

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


def step_ms(architecture: Architecture, random: np.random.Generator) -> tuple[float, float]:
    """Return milliseconds of processor time per picture, and seconds of tracing."""
    learner = Learner(build_network(architecture, CLASSES, seed=0), [1.0] * CLASSES, BATCH)
    side = architecture.image_px
    images = random.integers(0, 256, (BATCH, side, side, 3)).astype(np.uint8)
    labels = random.integers(0, CLASSES, BATCH)
    started = time.process_time()
    float(learner.learn(images, labels, 1e-3, (0, 0))[0])
    traced, steps = time.process_time() - started, 0
    started = time.process_time()
    while time.process_time() - started < SECONDS:
        float(learner.learn(images, labels, 1e-3, (0, steps))[0])
        steps += 1
    return (time.process_time() - started) * 1000 / steps / BATCH, traced


def main() -> None:
    """Measure and print."""
    limit_threads(1)
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
