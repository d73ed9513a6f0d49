"""What one proposal costs at 100 trials, in processor seconds: on a table, and on the families for pictures.

Last, what checking an order costs, which the site does while somebody waits, and what one network's whole cost takes:
graph, memory, latency, file size.

    .venv/bin/python benchmarks/search_proposal_cost.py [TABLE.csv.gz]

On families the time is mostly that of latency estimates; accuracies are made up, because nothing is trained. "warm" is
a proposal in a process that has made one before, as the workers' job processes do.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from search.cost import cost_of
from search.engine import Settings, pick
from search.feasible import check_spec
from search.problem import Goal, Tried
from search.propose import next_proposal
from search.spaces import spaces_of
from search.spec import SearchSpec
from search.tables import read_table
from search.trial import TrialRecord, TrialState

TABLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "nas" / "nasbench_macro.csv.gz"
TRIALS, REPEATS, NETWORKS = 100, 5, 400


def table_seconds(path: Path) -> list[float]:
    """Return the time of proposals after 100 random networks of a table."""
    table, spent = read_table(path), []
    rows = np.random.default_rng(0).permutation(len(table.codes))[:TRIALS]
    history = [Tried(tuple(table.codes[row].tolist()), float(table.accuracies[row])) for row in rows]
    for seed in range(REPEATS + 1):
        started = time.process_time()
        pick(table, history, seed, Settings())
        spent.append(time.process_time() - started)
    return spent[1:]


def family_seconds(image_px: int, families: tuple[str, ...], goal: Goal) -> list[float]:
    """Return the time of the first proposal after 100 networks of some families, then of warm ones."""
    spec = SearchSpec(10, image_px, 3.0, "devboard", trials=200, families=families, objective=goal, minutes=2000)
    spaces, history = spaces_of(spec), list[TrialRecord]()
    for codes in spaces.sample(np.random.default_rng(1), TRIALS).tolist():
        network = spaces.architecture(codes)
        accuracy = 0.1 * float(np.log10(cost_of(spec, network).macs))
        history.append(TrialRecord(len(history) + 1, network, TrialState.DONE, accuracy))
    spaces_of.cache_clear()
    spent = []
    for _ in range(REPEATS):
        started = time.process_time()
        found = next_proposal(spec, history)
        spent.append(time.process_time() - started)
        network = found.architecture  # type: ignore[union-attr]
        history.append(TrialRecord(len(history) + 1, network, TrialState.DONE, 0.7))
    return spent


def order_seconds() -> float:
    """Return the time that the check of an order takes where nothing is remembered of its spaces."""
    spaces_of.cache_clear()
    started = time.process_time()
    check_spec(SearchSpec(37, 224, 10, "devboard"))
    return time.process_time() - started


def network_ms(image_px: int) -> float:
    """Return the milliseconds that the whole cost of a random network takes, mean of many new ones."""
    spec = SearchSpec(10, image_px, 3.0, "devboard", families=("efficientnet_edgetpu",))
    spaces = spaces_of(spec)
    networks = [spaces.architecture(codes) for codes in spaces.sample(np.random.default_rng(5), NETWORKS).tolist()]
    other = replace(spec, classes=11)  # drawing networks has told and remembered their costs for ten
    warm, new = networks[: NETWORKS // 2], networks[NETWORKS // 2 :]
    for network in warm:
        cost_of(other, network)
    started = time.process_time()
    for network in new:
        cost_of(other, network)
    return 1000 * (time.process_time() - started) / len(new)


def main() -> None:
    """Measure and print."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TABLE
    print("| problem | first, CPU s | warm, CPU s (median) |\n| --- | ---: | ---: |")
    seconds = table_seconds(path)
    print(f"| {path.name.split('.')[0]} | {seconds[0]:.2f} | {np.median(seconds):.2f} |", flush=True)
    for image_px in (64, 224):
        for families in (("efficientnet_edgetpu",), ("efficientnet_edgetpu", "mobilenet_v2", "mobilenet_edgetpu_v2")):
            seconds = family_seconds(image_px, families, Goal.FRONT)
            title = f"{len(families)} famil{'y' if len(families) == 1 else 'ies'}, {image_px} px"
            print(f"| {title} | {seconds[0]:.2f} | {np.median(seconds[1:]):.2f} |", flush=True)
    print(f"| checking an order, 224 px | {order_seconds():.2f} | |")
    print(f"whole cost of a network: {network_ms(64):.2f} ms at 64 px, {network_ms(224):.2f} ms at 224 px")


if __name__ == "__main__":
    main()
