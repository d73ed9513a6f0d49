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

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np

from benchmarks.models_ablations import no_mixtures, no_refit
from benchmarks.models_tasks import SETS, Task, task_of
from benchmarks.models_two_ways import (
    INHERITED_PEAK,
    Clock,
    float_accuracy,
    from_scratch,
    inherited,
    int8_accuracy,
    learn,
    succeed,
    with_head,
)
from models.architecture import Architecture
from models.families import FAMILIES
from search.train import limit_threads

RESULTS = Path(__file__).with_name("RESULTS.md")
WIDTH, SIDES = 0.35, ("64", "96")


def published(width: float, image_px: int) -> Architecture:
    """Return MobileNet v2 at a width."""
    return replace(FAMILIES["mobilenet_v2"].published[f"mobilenet-v2-{width:g}"], image_px=image_px)


def compare(tasks: list[Task], seconds: float) -> Iterator[str]:
    """Yield a table of both ways at equal processor time."""
    yield "| pictures | seconds | way | test float % | int8 % | int8, corrected % |\n|---|---|---|---|---|---|"
    ways: tuple[tuple[str, Callable[..., keras.Model]], ...] = (("scratch", from_scratch), ("inherited", inherited))
    for task in tasks:
        architecture = published(WIDTH, task.image_px)
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
                architecture = published(WIDTH, task.image_px)
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
        for architecture in shapes(task.image_px):
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
        for name, without in (("whole", nullcontext), ("channels, no mixtures", no_mixtures), ("no refit", no_refit)):
            with without():
                clock = Clock(0)
                network = succeed(task, published(WIDTH, task.image_px))
                seconds = clock.used
            known = float_accuracy(with_head(task, network), task, 1)
            yield f"| {task.title} | {name} | {seconds:.1f} | {known:.1f} |"


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
    asked = _asked()
    limit_threads(1)
    tasks = [task_of(name, int(side)) for name in asked.sets or SETS for side in asked.sides or SIDES]
    for part in asked.parts or PARTS:
        lines = []
        for line in PARTS[part](tasks):
            lines.append(line)
            print(line, flush=True)
        if asked.write:
            machine = f"{date.today()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
            with RESULTS.open("a") as file:
                file.write("\n".join(["", f"#### Inherit: {part} ({machine})", "", *lines, ""]))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "words", nargs="*", help=f"of {', '.join([*PARTS, *SETS, *SIDES])}; all where none of a kind is"
    )
    parser.add_argument("--write", action="store_true", help="add the tables to benchmarks/RESULTS.md")
    asked = parser.parse_args()
    for kind, known in (("parts", PARTS), ("sets", SETS), ("sides", SIDES)):
        setattr(asked, kind, [word for word in known if word in asked.words])
    for word in asked.words:
        if word not in (*PARTS, *SETS, *SIDES):
            parser.error(f"there is no {word}")
    return asked


if __name__ == "__main__":
    main()
