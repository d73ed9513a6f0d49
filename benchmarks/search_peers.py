"""Searches on real pictures beside their peers, each with the same processor time on one core.

    .venv/bin/python benchmarks/search_peers.py METHOD SET SECONDS [SEED]

METHOD is one of engine, scratch, fixed, hyperband, tpe; SET is signs, rice, quarters or photos. A line of JSON goes to
var/search_peers.jsonl; `table` in place of METHOD prints the table of all lines.

Every method trains with the same code from the same published weights (scratch: from none), on one core, and begins no
further training once SECONDS of processor time are used; all of it counts: proposals, tracing, training, quantizing.
For each limit, of latency or of multiply-accumulates, the network with the best int8 validation accuracy is looked at
on the test pictures. Every seed has its own split, and all methods of a seed the same.

engine      ours: front mode below 4 ms, the published network and what is cut out of it by reconstruction; the longer
            training of the networks that are looked at is part of the time, as in the product
scratch     ours, from nothing
fixed       MobileNet v2 at full depth, by hand: widths from 1.0 to 0.35, resolutions from the largest: to be beaten
hyperband   keras-tuner's Hyperband on the same space, rungs of epochs
tpe         Optuna's TPE on the same space
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.peer_methods import FAMILY, METHODS, engine
from benchmarks.peer_pictures import ROOT, SHARED, keep_line, pictures_of
from benchmarks.peer_table import table
from models.architecture import Architecture
from models.backbones import BACKBONES, FOLDER_VARIABLE, fetch_backbone
from search.cost import cost_of
from search.dataset import Dataset
from search.distillation import as_last
from search.errors import TrialFailed
from search.finishing import finish
from search.judge import judge_trial, validate_on_cpu
from search.minutes import last_shares
from search.problem import Goal
from search.propose import Proposal
from search.quantizing import quantize_best
from search.recipe import recipe_of
from search.spec import SearchSpec
from search.train import CHECKPOINT, limit_threads
from search.trial import TrialRecord, TrialState
from search.tuner import Start

LINES = ROOT / "var" / "search_peers.jsonl"
LIMITS_MS = (1.0, 2.0, 4.0)
LIMIT_MACS = 27_000_000
LIMITS = (f"≤ {LIMIT_MACS // 10**6} M", *(f"≤ {limit_ms:g} ms" for limit_ms in LIMITS_MS))


def spec_for(method: str, data: Dataset, seconds: float, seed: int) -> SearchSpec:
    """Return what is asked of every method; only the start and the family differ for `scratch`."""
    spec = SearchSpec(
        classes=len(data.classes),
        image_px=data.image_px,
        latency_limit_ms=max(LIMITS_MS),
        device="devboard",
        trials=500,
        seed=seed,
        training_pictures=len(data.train),
        trial_minutes=max(1.0, seconds / 60 / 3),
        families=(FAMILY,),
        backbone=next(iter(BACKBONES)),
        objective=Goal.FRONT,
        minutes=seconds / 60,
    )
    return replace(spec, backbone="", families=("efficientnet_edgetpu",)) if method == "scratch" else spec


def search(method: str, name: str, seconds: float, seed: int) -> dict[str, Any]:
    """Search once; return what was found."""
    limit_threads(1)
    data = pictures_of(name, seed)
    spec = spec_for(method, data, seconds, seed)
    published = fetch_backbone(spec.backbone) if spec.backbone else None
    records: list[TrialRecord] = []
    began, spent = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="atoll-peers-") as out:

        def evaluate(
            architecture: Architecture,
            *,
            epochs: int | None = None,
            after: TrialRecord | None = None,
            proposal: Proposal | None = None,
        ) -> TrialRecord:
            where, before = Path(out) / str(len(records) + 1), time.process_time()
            rivals = list(records) if METHODS[method] is engine else None
            record = TrialRecord(
                len(records) + 1,
                architecture,
                TrialState.RUNNING,
                latency_ms=cost_of(spec, architecture).latency_ms,
                parent=proposal.parent if proposal else None,
                teacher=proposal.teacher if proposal else None,
            )
            start = start_of(record, Path(out), published)
            if after:
                start["parent"] = Path(out) / str(after.number) / CHECKPOINT
            try:
                found = judge_trial(architecture, data, spec, where, epochs=epochs, history=rivals, **start)
                record = replace(
                    record,
                    state=TrialState.DONE,
                    validation_accuracy=found.validation_accuracy,
                    float_accuracy=found.float_accuracy,
                    rung_accuracies=tuple(found.metrics["rung_accuracies"]),
                    seconds=time.process_time() - before,
                )
            except TrialFailed as error:
                record = replace(record, state=TrialState.FAILED, message=str(error))
            records.append(record)
            cpu = time.process_time() - spent
            macs = architecture.macs(len(data.classes)) / 1e6
            worth, cost = f"{record.validation_accuracy}", f"{record.latency_ms:.2f} ms, {macs:.0f} MMAC"
            how = recipe_of(architecture.choices)
            facts = f"{worth}, {cost}, {architecture.image_px} px, {how.learns} {how.rate:g}, {cpu:.0f} CPU s"
            line = f"{method} {name} {record.number}: {facts}"
            print(line, file=sys.stderr, flush=True)
            return record

        for _ in METHODS[method](spec, evaluate):
            if time.process_time() - spent >= seconds:
                break
        chosen = dict(zip(LIMITS, best_of_limits(records, len(data.classes)), strict=True))
        different = {each.number: each for each in chosen.values() if each}
        files = {number: Path(out) / str(number) / CHECKPOINT for number in different}
        if METHODS[method] is engine:
            best_first = sorted(different.values(), key=lambda each: each.validation_accuracy or 0.0, reverse=True)
            ordered = [as_last(spec, records, each) for each in best_first]
            shares = last_shares(spec, ordered, 1, time.process_time() - spent)
            files = {
                each.number: finished(each, data, Path(out), start_of(each, Path(out), published), most_s or 0.0, seed)
                for each, most_s in zip(ordered, shares, strict=True)
            }
        cpu, wall = time.process_time() - spent, time.monotonic() - began
        looked_at = {number: judged(each, files[number], data, seed) for number, each in different.items()}
        tested = {limit: looked_at[each.number] if each else None for limit, each in chosen.items()}
    held = all((record.latency_ms or 0) <= spec.latency_limit_ms for record in records)
    return {
        "method": method, "set": name, "seed": seed, "seconds": seconds, "cpu_s": cpu, "wall_s": wall,
        "trials": len(records), "held": held, "tested": tested, "date": str(date.today()),
    }  # fmt: skip


def best_of_limits(records: list[TrialRecord], classes: int) -> list[TrialRecord | None]:
    """Return the best network within each of `LIMITS`."""
    small = [record for record in records if record.architecture.macs(classes) <= LIMIT_MACS]
    within = [[each for each in records if (each.latency_ms or 0) <= limit_ms] for limit_ms in LIMITS_MS]
    return [best_of(allowed) for allowed in (small, *within)]


def best_of(records: list[TrialRecord]) -> TrialRecord | None:
    """Return the network with the best int8 validation accuracy."""
    return max(
        (record for record in records if record.finished_well),
        key=lambda each: (each.validation_accuracy or 0, each.float_accuracy or 0, -(each.latency_ms or 0)),
        default=None,
    )


def start_of(record: TrialRecord, out: Path, published: Path | None) -> Start:
    """Return what a network begins with, and which one teaches it."""
    files = [None if number is None else out / str(number) / CHECKPOINT for number in (record.parent, record.teacher)]
    return Start(parent=files[0] or published, knows_pictures=files[0] is not None, teacher=files[1])


def finished(record: TrialRecord, data: Dataset, out: Path, start: Start, most_s: float, seed: int) -> Path:
    """Return the network after its longer training, where there is time for one and it was not clearly worse."""
    found = finish(
        record.architecture,
        data,
        out / str(record.number) / CHECKPOINT,
        out / f"longer{record.number}",
        seed=seed,
        stopped=record.stopped,
        trial_seconds=record.seconds,
        most_seconds=most_s,
        **start,
    )
    print(f"{record.number}: {found.sentence or 'no longer training'}", file=sys.stderr, flush=True)
    return found.checkpoint


def judged(record: TrialRecord, checkpoint: Path, data: Dataset, seed: int) -> dict[str, Any]:
    """Return what a network gets right of the test pictures."""
    made = quantize_best(checkpoint, data, checkpoint.parent / "best", seed=seed)
    found = validate_on_cpu(made.checkpoint, made.files, data)
    return {
        "int8": found["int8"]["accuracy"], "balanced": found["int8"]["balanced_accuracy"], "n": found["n"],
        "low": found["int8"]["low_95"], "high": found["int8"]["high_95"], "float": found["float"]["accuracy"],
        "validation": record.validation_accuracy, "latency_ms": record.latency_ms,
        "macs": record.architecture.macs(len(data.classes)), "px": record.architecture.image_px,
    }  # fmt: skip


def main() -> None:
    """Search once and keep the line, or print the table."""
    if sys.argv[1] == "table":
        print(table(LINES, LIMITS))
        return
    method, name, seconds, *seed = sys.argv[1:]
    os.environ.setdefault(FOLDER_VARIABLE, str(SHARED / "data" / "pretrained"))
    found = search(method, name, float(seconds), int(seed[0]) if seed else 0)
    keep_line(LINES, found)


if __name__ == "__main__":
    main()
