"""The inside of a `JobProcess`: reads jobs as lines of JSON, answers with lines of JSON.

What a library prints goes to stderr; the channel to the worker is ours alone. A job's module is found by its name in
`workers.jobs`, loaded when it is first asked for.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from edgetpu.errors import CompilerBusy, DeviceBusy, EdgeTpuError
from marketplace.errors import UserError
from models.errors import ModelError
from search.errors import SearchError
from workers.isolation import isolate, without_network
from workers.processes import die_with_parent, leave_if_orphaned

JOBS = frozenset(
    {
        "check_dataset",
        "propose",
        "train",
        "finish",
        "quantize",
        "compile_model",
        "compile_trial",
        "validate",
        "measure",
        "warm_up",
        "import_model",
    }
)
SENTENCES = (UserError, SearchError, ModelError, EdgeTpuError)
"""Errors whose text is a sentence for the user."""
PASSING = (CompilerBusy, DeviceBusy)
"""Of these, those that another try may mend."""

GUARDED_MEMORY_BYTES = 3 * 2**30
GUARDED_CPU_S = 2 * 3600
CELL_MEMORY_BYTES = 8 * 2**30
"""Of addresses: TensorFlow alone reserves 2.4 GiB, of which 0.6 GiB are used."""
CELL_CPU_S = 3600
CELL_FILE_BYTES = 4 * 2**30

NO_LOCKS = (
    "This worker's machine cannot shut a model off from the network (it needs seccomp, or to run as root), so your "
    "model was not opened. Ask whoever runs this site."
)

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("edgetpu", "models", "search", "marketplace", "workers")


def guard() -> None:
    """Limit what a hostile file can cost: memory, processor time, and no core dump."""
    resource.setrlimit(resource.RLIMIT_AS, (GUARDED_MEMORY_BYTES, GUARDED_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (GUARDED_CPU_S, GUARDED_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def enter_cell(folder: Path, readable: Sequence[Path]) -> bool:
    """Leave this process its folder, its memory and the programs of this project; return False if it has a network."""
    resource.setrlimit(resource.RLIMIT_AS, (CELL_MEMORY_BYTES, CELL_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CELL_CPU_S, CELL_CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (CELL_FILE_BYTES, CELL_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return without_network(isolate(folder, [*(PROJECT / name for name in PACKAGES), *readable], [PROJECT]))


def answer(job: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
    """Do one job; say its progress and its end."""
    name = str(job.pop("job"))
    try:
        if name not in JOBS:
            raise ValueError(f"no such job: {name}")
        module = importlib.import_module(f"workers.jobs.{name}")
        say({"result": module.run(job, lambda progress: say({"progress": progress}))})
    except PASSING:
        say({"broken": traceback.format_exc()})
    except SENTENCES as error:
        say({"failed": str(error)})
    except Exception:  # a fault of ours: the worker logs it and tries again
        say({"broken": traceback.format_exc()})


def main() -> None:
    """Serve until the worker closes the line."""
    die_with_parent()
    leave_if_orphaned(int(sys.argv[1]))
    if "--guarded" in sys.argv:
        guard()
    shut = True
    if "--cell" in sys.argv:
        folder, *readable = map(Path, sys.argv[sys.argv.index("--cell") + 1 :])
        shut = enter_cell(folder, readable)
    channel: IO[str] = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")

    for line in sys.stdin:
        if shut:
            answer(json.loads(line), say)
        else:
            say({"failed": NO_LOCKS})


if __name__ == "__main__":
    main()
