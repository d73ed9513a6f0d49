"""What the time of a search goes into: start-up, tracing, inheriting, epochs, int8.

    .venv/bin/python benchmarks/search_phases.py [TRIALS]

One process of one thread searches handwritten digits at 32 px from nothing, as benchmarks/search_workers.py orders it:
finished trials are parents. Processor time, each moment counted once, for the innermost phase that it belongs to. A
call that traces (each network's first step and first look) counts as tracing, though it also computes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "client"))

EPOCHS, TRACING = "epochs", "tracing"


class Clock:
    """Processor seconds by phase; an inner phase's are not its outer one's."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stack = ["rest"]
        self._since = 0.0  # the process began

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count what happens here for a phase."""
        self._turn()
        self._stack.append(name)
        try:
            yield
        finally:
            self._turn()
            self._stack.pop()

    def _turn(self) -> None:
        now = time.process_time()
        self.seconds[self._stack[-1]] += now - self._since
        self._since = now

    def watch(self, owner: Any, function: str, name: str) -> None:
        """Count every call of a function for a phase."""
        original: Callable[..., Any] = getattr(owner, function)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.phase(name):
                return original(*args, **kwargs)

        setattr(owner, function, timed)

    def watch_first(self, learner: Any, function: str) -> None:
        """Count the first call on each network for tracing and all others for the epochs."""
        original: Callable[..., Any] = getattr(learner, function)

        def timed(self_: Any, *args: Any, **kwargs: Any) -> Any:
            mark = f"_traced_{function}"
            name = EPOCHS if hasattr(self_, mark) else TRACING
            setattr(self_, mark, True)
            with self.phase(name):
                found = original(self_, *args, **kwargs)
                return [each.numpy() for each in found] if isinstance(found, tuple) else found

        setattr(learner, function, timed)


def search(trials: int, clock: Clock) -> int:
    """Search once; return how many trials came to their end."""
    with clock.phase("start-up"):
        from atoll_client.digits import pack_digits
        from search import judge, takeover, train
        from search.dataset import Dataset
        from search.learner import Learner
        from search.propose import Proposal, next_proposal
        from search.spec import SearchSpec
        from search.train import CHECKPOINT, limit_threads
        from search.trial import TrialRecord, TrialState
        from workers.jobs.arrays import dataset_for
        from workers.local_pictures import check_pictures

        limit_threads(1)
        folder = Path(tempfile.mkdtemp(prefix="atoll-phases-"))
        pack_digits(folder / "digits.zip")
        pictures = check_pictures(folder / "digits.zip", folder / "work", lambda report: None)
        data: Dataset = dataset_for(pictures.job_values(32), lambda report: None)
    clock.watch(train, "build_network", "building")
    clock.watch(takeover, "inherit", "inheriting")
    clock.watch(takeover, "fit_on", "fitting heads")
    clock.watch(judge, "_int8_accuracy", "int8")
    clock.watch_first(Learner, "learn")
    clock.watch_first(Learner, "classify")
    spec = SearchSpec(
        classes=10, image_px=32, latency_limit_ms=1.0, device="devboard", trials=trials, seed=0,
        training_pictures=len(data.train), trial_minutes=30.0, families=("efficientnet_edgetpu",), from_trials=True,
    )  # fmt: skip
    history: list[TrialRecord] = []
    for number in range(1, trials + 1):
        with clock.phase("proposing"):
            proposal = next_proposal(spec, history)
        if not isinstance(proposal, Proposal):
            break
        start = None if proposal.parent is None else folder / str(proposal.parent) / CHECKPOINT
        found = judge.judge_trial(
            proposal.architecture, data, spec, folder / str(number),
            parent=start, knows_pictures=start is not None, history=list(history),
        )  # fmt: skip
        record = TrialRecord(number, proposal.architecture, TrialState.RUNNING, latency_ms=found.latency_ms)
        history.append(
            replace(
                record,
                state=TrialState.DONE,
                validation_accuracy=found.validation_accuracy,
                float_accuracy=found.float_accuracy,
                rung_accuracies=tuple(found.metrics["rung_accuracies"]),
                seconds=found.seconds,
                parent=proposal.parent,
            )
        )
    return len(history)


def main() -> None:
    """Search once; print the table."""
    clock = Clock()
    with clock.phase("rest"):
        trials = search(int(sys.argv[1]) if len(sys.argv) > 1 else 12, clock)
    total = sum(clock.seconds.values())
    print(f"{trials} trials, {total:.0f} s of processor time")
    for name, seconds in sorted(clock.seconds.items(), key=lambda each: -each[1]):
        print(f"| {name} | {seconds:.1f} | {100 * seconds / total:.1f} % |")


if __name__ == "__main__":
    main()
