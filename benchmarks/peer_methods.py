"""How each method of benchmarks/search_peers.py chooses its networks: ours, by hand, keras-tuner's and Optuna's."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator

from models.architecture import Architecture
from models.families import FAMILIES
from search.minutes import in_the_time_left
from search.propose import Stopped, next_proposal
from search.space import holds_limits, space_of
from search.spec import SearchSpec
from search.trial import TrialRecord

FAMILY = "mobilenet_v2"
Evaluate = Callable[..., TrialRecord]
Method = Callable[[SearchSpec, Evaluate], Iterator[TrialRecord]]


def engine(spec: SearchSpec, evaluate: Evaluate) -> Iterator[TrialRecord]:
    """Ours: proposals end in time to leave some for the longer training."""
    history: list[TrialRecord] = []
    began = time.process_time()
    while (asked := in_the_time_left(spec, history, time.process_time() - began)) is not None:
        proposal = next_proposal(asked, history)
        if isinstance(proposal, Stopped):
            return
        history.append(evaluate(proposal.architecture, proposal=proposal))
        yield history[-1]


def fixed(spec: SearchSpec, evaluate: Evaluate) -> Iterator[TrialRecord]:
    """MobileNet v2 at its full depth, as a person would try it: the largest first, then narrower and smaller ones."""
    for resolution, width in by_hand(spec.image_px):
        yield evaluate(whole_mobilenet(spec, resolution, width))


def by_hand(image_px: int) -> list[tuple[int, float]]:
    """Return resolutions and widths in the order in which a person would try them."""
    sides = sorted({min(side, image_px) for side in (128, 96, 64)}, reverse=True)
    return [(side, width) for widths in ((1.0, 0.5), (0.35, 0.75)) for side in sides for width in widths]


def whole_mobilenet(spec: SearchSpec, resolution: int, width: float) -> Architecture:
    """Return the published network at a width and a resolution."""
    space = space_of(spec, FAMILY)
    choices = space.network
    chosen = {name: values[-1] for name, values in choices.items()} | space.usual
    chosen |= {name: width for name in choices if name.endswith("_width")}
    nearest = min(choices["resolution"], key=lambda side: abs(float(side) - resolution))
    return FAMILIES[FAMILY].build({**chosen, "resolution": nearest})


def hyperband(spec: SearchSpec, evaluate: Evaluate) -> Iterator[TrialRecord]:
    """keras-tuner's: many networks for few epochs, the better ones for more, going on from where they were."""
    import keras_tuner

    vocabulary = keras_tuner.HyperParameters()
    for name, values in space_of(spec, FAMILY).choices.items():
        vocabulary.Choice(name, list(values))
    oracle = keras_tuner.oracles.HyperbandOracle(
        objective=keras_tuner.Objective("accuracy", "max"),
        max_epochs=27,
        factor=3,
        hyperband_iterations=1000,  # it begins anew for as long as there is time
        seed=spec.seed,
        hyperparameters=vocabulary,
        max_consecutive_failed_trials=10**9,  # networks beyond the limits are told as failed
    )
    with tempfile.TemporaryDirectory() as folder:
        oracle._set_project_dir(folder, "hyperband")
        done: dict[str, TrialRecord] = {}
        while (trial := oracle.create_trial("one")).status == "RUNNING":
            values = dict(trial.hyperparameters.values)
            epochs, before = int(values.pop("tuner/epochs", 3)), values.pop("tuner/trial_id", None)
            chosen = {name: value for name, value in values.items() if not name.startswith("tuner/")}
            architecture = FAMILIES[FAMILY].build(chosen)
            if holds_limits(spec, architecture):
                done[trial.trial_id] = evaluate(architecture, epochs=epochs, after=done.get(before or ""))
                yield done[trial.trial_id]
                oracle.update_trial(trial.trial_id, {"accuracy": done[trial.trial_id].validation_accuracy or 0.0})
                trial.status = "COMPLETED"
            else:
                trial.status = "INVALID"
            oracle.end_trial(trial)


def tpe(spec: SearchSpec, evaluate: Evaluate) -> Iterator[TrialRecord]:
    """Optuna's, for accuracy and latency at once; what breaks a limit costs it nothing and it is told so."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=optuna.samplers.TPESampler(seed=spec.seed, n_startup_trials=4)
    )
    while True:
        trial = study.ask()
        chosen = {n: trial.suggest_categorical(n, list(values)) for n, values in space_of(spec, FAMILY).choices.items()}
        architecture = FAMILIES[FAMILY].build(chosen)
        if not holds_limits(spec, architecture):
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        record = evaluate(architecture)
        yield record
        study.tell(trial, [record.validation_accuracy or 0.0, record.latency_ms or spec.latency_limit_ms])


METHODS: dict[str, Method] = {
    "engine": engine,
    "scratch": engine,
    "fixed": fixed,
    "hyperband": hyperband,
    "tpe": tpe,
}
