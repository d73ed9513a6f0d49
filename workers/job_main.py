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
from collections.abc import Callable
from typing import IO, Any

from edgetpu.errors import CompilerBusy, DeviceBusy, EdgeTpuError
from marketplace.errors import UserError
from models.errors import ModelError
from search.errors import SearchError
from workers.processes import die_with_parent, leave_if_orphaned

JOBS = frozenset({"check_dataset", "propose", "train", "quantize", "compile_model", "validate", "measure"})
SENTENCES = (UserError, SearchError, ModelError, EdgeTpuError)
"""Errors whose text is a sentence for the user."""
PASSING = (CompilerBusy, DeviceBusy)
"""Of these, those that another try may mend."""

GUARDED_MEMORY_BYTES = 3 * 2**30
GUARDED_CPU_S = 2 * 3600


def guard() -> None:
    """Limit what a hostile file can cost: memory, processor time, and no core dump."""
    resource.setrlimit(resource.RLIMIT_AS, (GUARDED_MEMORY_BYTES, GUARDED_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (GUARDED_CPU_S, GUARDED_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


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
    channel: IO[str] = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")

    for line in sys.stdin:
        answer(json.loads(line), say)


if __name__ == "__main__":
    main()
