"""How much of a table's front each method finds: percent of the hypervolume after 50 and 100 evaluations.

    .venv/bin/python benchmarks/search_tables.py TABLE.csv.gz [--cost NAME] [--accuracy NAME]
        [--methods NAME …] [--seeds 10] [--slow-seeds 2] [--evaluations 50 100] [--stages 2,3,3 --skip 0] [--target 0.5]

The hypervolume counts accuracy above the table's median and cost below its 99 % quantile. A table has a column `arch`
(one digit a choice, values between separators, or cells of NAS-Bench-201), one of accuracy, one of cost, and perhaps
parameters. `--stages` says that a table's layers with operation `--skip` do nothing but for the first of each stage.
`--target` asks for the best accuracy of networks no dearer than that quantile of all costs instead, and prints how many
points of accuracy are left. Every method asks for one candidate at a time; a table answers at once.

keras-tuner's searches have one objective, the accuracy; the front is counted of all that they evaluated. What is beyond
the budget is known before it is tried: it counts as no evaluation, whoever proposes it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from search.canonical import skips_last
from search.engine import Settings
from search.peers import AgingEvolution, Engine, Method, Optuna, RandomSearch
from search.problem import Goal
from search.tables import Table, read_table

METHODS: dict[str, Callable[[Table, int], Method]] = {
    "engine": lambda table, seed: Engine(table, seed, Settings(goal_of(table))),
    "engine-without-canonical": lambda table, seed: Engine(without_canonical(table), seed, Settings(goal_of(table))),
    "engine-without-known-cost": lambda table, seed: Engine(table, seed, Settings(goal_of(table), known_cost=False)),
    "engine-without-features": lambda table, seed: Engine(table, seed, Settings(goal_of(table), features=False)),
    "engine-without-mixture": lambda table, seed: Engine(table, seed, Settings(goal_of(table), mixture=False)),
    "random": RandomSearch,
    "aging-evolution": lambda table, seed: AgingEvolution(table, seed, budgets=table.budget is None),
    "optuna-tpe": lambda table, seed: Optuna(table, seed, "TPESampler", table.budget),
    "optuna-tpe-multivariate": lambda table, seed: Optuna(table, seed, "TPESampler", table.budget, multivariate=True),
    "optuna-nsga2": lambda table, seed: Optuna(table, seed, "NSGAIISampler", table.budget, population_size=20),
    "optuna-gp": lambda table, seed: Optuna(table, seed, "GPSampler", table.budget),
    "keras-tuner-hyperband": lambda table, seed: tuners().hyperband(table, seed),
    "keras-tuner-bayesian": lambda table, seed: tuners().bayesian(table, seed),
}
SLOW = ("keras-tuner-bayesian",)
"""Methods that get fewer seeds, because a proposal takes them seconds."""


def goal_of(table: Table) -> Goal:
    """Return what is looked for: the best within the budget if there is one, the front otherwise."""
    return Goal.FRONT if table.budget is None else Goal.TARGET


def tuners() -> ModuleType:
    """Return keras-tuner's searches; imported late, because TensorFlow takes its time."""
    return import_module("benchmarks.peer_tuners")


def missing(name: str) -> str:
    """Return why a method cannot be run here; empty if it can."""
    if name == "optuna-gp" and find_spec("torch") is None:
        return "Optuna's GP sampler needs torch, which Atoll does not install."
    return ""


def without_canonical(table: Table) -> Table:
    """Return the table as if no two of its networks were equal."""
    return replace(table, equal=None)


def run(table: Table, method: Method, evaluations: int) -> tuple[list[int], float]:
    """Return the rows that a method tried, and its processor seconds."""
    rows: list[int] = []
    started = time.process_time()
    for _ in range(evaluations):
        codes = method.ask()
        row = int(table.rows_of(np.array([codes]))[0])
        method.tell(codes, float(table.accuracies[row]), float(table.costs[row]))
        rows.append(row)
    return rows, time.process_time() - started


def measure(table: Table, name: str, seeds: int, marks: list[int]) -> str:
    """Return one line of the table: mean and standard deviation over seeds."""
    shares, seconds = [], 0.0
    for seed in range(seeds):
        rows, spent = run(table, METHODS[name](table, seed), max(marks))
        shares.append([figure(table, rows[:mark]) for mark in marks])
        seconds += spent
    means, spreads = np.mean(shares, axis=0), np.std(shares, axis=0, ddof=min(1, seeds - 1))
    digits = 1 if table.budget is None else 2
    cells = [f"{mean:.{digits}f} ± {spread:.{digits}f}" for mean, spread in zip(means, spreads, strict=True)]
    title = f"{name} ({seeds} seeds)" if name in SLOW else name
    return f"| {title} | {' | '.join(cells)} | {1000 * seconds / seeds / max(marks):.0f} |"


def figure(table: Table, rows: list[int]) -> float:
    """Return percent of the hypervolume; with a budget, the points of accuracy that are left."""
    return 100 * table.share_of_hypervolume(rows) if table.budget is None else table.points_left(rows)


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--cost", default="")
    parser.add_argument("--accuracy", default="")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--slow-seeds", type=int, default=2, help=f"for {', '.join(SLOW)}")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--stages", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--target", type=float, help="quantile of the costs, 0 to 1")
    return parser.parse_args()


def main() -> None:
    """Print one line a method."""
    asked = arguments()
    equal = partial(skips_last, stages=asked.stages, skip=asked.skip) if asked.stages else None
    table = read_table(asked.table, accuracy=asked.accuracy, cost=asked.cost, equal=equal)
    if asked.target is not None:
        table = replace(table, budget=float(np.quantile(table.costs, asked.target)))
    networks = len(set(table.known(table.codes).keys))
    unit = "%" if asked.target is None else "points left"
    marks = " | ".join(f"after {mark}, {unit}" for mark in asked.evaluations)
    print(f"{table.name}: {len(table.codes)} rows, {networks} networks, {asked.seeds} seeds (0 to {asked.seeds - 1})")
    print(f"| method | {marks} | CPU ms a proposal |\n| --- |{' ---: |' * (len(asked.evaluations) + 1)}", flush=True)
    for name in asked.methods:
        seeds = asked.slow_seeds if name in SLOW else asked.seeds
        print(
            f"| {name} | {why} |" if (why := missing(name)) else measure(table, name, seeds, asked.evaluations),
            flush=True,
        )


if __name__ == "__main__":
    main()
