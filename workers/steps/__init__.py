"""One module per kind of step: fetch what it needs, have the job done, hand the result over."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Protocol, cast

from marketplace.work.lifecycle import Lease
from marketplace.work.models import Step
from workers.heartbeat import Heartbeat
from workers.steps import (
    check_dataset,
    compile_model,
    compile_trial,
    import_model,
    measure,
    measure_trial,
    quantize,
    trial,
    validate,
)


class Handler(Protocol):
    """What a module of this package offers."""

    def run(self, lease: Lease, heartbeat: Heartbeat) -> None:
        """Do the step; safe to run twice."""

    def fail(self, subject: int, sentence: str) -> None:
        """Write down that it cannot be done; called inside the transaction that ends the step."""


def _handler(module: ModuleType) -> Handler:
    return cast(Handler, module)


HANDLERS: Mapping[str, Handler] = {
    Step.Kind.CHECK_DATASET: _handler(check_dataset),
    Step.Kind.TRIAL: _handler(trial),
    Step.Kind.QUANTIZE: _handler(quantize),
    Step.Kind.COMPILE: _handler(compile_model),
    Step.Kind.VALIDATE: _handler(validate),
    Step.Kind.MEASURE: _handler(measure),
    Step.Kind.COMPILE_TRIAL: _handler(compile_trial),
    Step.Kind.MEASURE_TRIAL: _handler(measure_trial),
    Step.Kind.IMPORT: _handler(import_model),
}
