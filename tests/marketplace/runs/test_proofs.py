"""Networks are compiled and measured while a search goes on, where workers can; what breaks a limit is not chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.devices.models import WorkerNode
from marketplace.devices.services import announce_worker
from marketplace.runs import outcomes, proofs
from marketplace.runs.models import Run, Trial
from marketplace.runs.services import cancel_run, order_run
from marketplace.runs.specs import history_of, spec_for
from marketplace.work import lifecycle
from marketplace.work.models import Event, Step
from search.correction import correction_of
from search.estimates import architecture_estimate
from search.propose import propose
from tests.factories import MEASURED
from workers.tasks import go_on_without_missing_machines

pytestmark = pytest.mark.django_db
EDGE_TPU = [{"link": "usb3", "path": "/dev/bus/usb/002/003", "name": "usb:0"}]
COMPILED = {"state": "compiled", "sentence": "Compiled.", "fully_mapped": True, "report": {"models": [{}]}}


@pytest.fixture
def machine() -> WorkerNode:
    """A worker with the compiler and a USB Accelerator."""
    announce_worker(name="bench", compiler="16.0.384591198", edge_tpus=EDGE_TPU)
    return WorkerNode.objects.get(name="bench")


def order(owner: User, version: DatasetVersion, trials: int = 2) -> Run:
    return order_run(
        owner=owner,
        dataset_version=version,
        latency_limit_ms=1.0,
        device="usb3",
        onchip_limit_bytes=7 * 2**20,
        trials=trials,
        image_px=32,
        seed=3,
    )


def end_trial(run: Run, number: int, accuracy: float, metrics: Mapping[str, Any] | None = None) -> Trial:
    """Propose a network and end its training."""
    trial = Trial.objects.select_related("run").get(run=run, number=number)
    lease = lifecycle.claim("cpu", "bench")
    assert lease is not None
    outcomes.begin_trial(trial)
    spec = spec_for(run)
    network = propose(spec, history_of(run))
    assert network is not None
    estimate = architecture_estimate(network, spec)
    found = {"architecture": network.to_json(), "key": network.key, "estimate": estimate}
    assert outcomes.record_proposal(trial, found)
    figures = {"validation_accuracy": accuracy, "float_accuracy": accuracy, "seconds": 1.0, "metrics": metrics or {}}
    with lifecycle.finishing(lease):
        outcomes.record_trial(trial, figures, {})
    return trial


def prove(trial: Trial, measured_ms: float, compilation: Mapping[str, Any] = COMPILED, link: str = "usb3") -> None:
    """Let the machine compile and measure a trial's network."""
    compiling = lifecycle.claim("compiler", "bench")
    assert compiling is not None
    assert (compiling.kind, compiling.subject) == (Step.Kind.COMPILE_TRIAL, trial.pk)
    with lifecycle.finishing(compiling):
        proofs.record_compiled(trial, compilation)
        outcomes.advance(trial.run_id)
    measuring = lifecycle.claim("device", "bench")
    if measuring is None:
        return
    with lifecycle.finishing(measuring):
        found = {**MEASURED, "p50_ms": measured_ms, "link": link}
        proofs.record_measured(trial, found)
        outcomes.advance(trial.run_id)


def standing(run: Run) -> tuple[str, int | None]:
    run.refresh_from_db()
    return run.status, run.best_trial.number if run.best_trial else None


def test_without_a_compiler_nothing_is_proven(owner: User, version: DatasetVersion) -> None:
    run = order(owner, version, trials=1)
    end_trial(run, 1, 0.9)
    assert not Step.objects.filter(kind__in=proofs.KINDS).exists()
    assert standing(run) == (Run.Status.QUANTIZING, 1)


def test_a_measurement_corrects_the_estimates_of_the_trials_that_follow(
    owner: User, version: DatasetVersion, machine: WorkerNode
) -> None:
    run = order(owner, version, trials=3)
    first = end_trial(run, 1, 0.9)
    prove(first, measured_ms=1.5 * first.estimate["latency_ms"])
    spec, history = spec_for(run), history_of(run)
    assert correction_of(spec, history).latency == pytest.approx(1.5)
    second = end_trial(run, 2, 0.8)
    assert 1.5 * second.estimate["latency_ms"] <= run.latency_limit_ms
    assert Event.objects.filter(subject=run.pk, text__contains="Trial 1 was measured at").exists()


def test_the_search_waits_for_its_last_proof_and_does_not_choose_what_breaks_the_limit(
    owner: User, version: DatasetVersion, machine: WorkerNode
) -> None:
    run = order(owner, version)
    second_best, best = end_trial(run, 1, 0.8), end_trial(run, 2, 0.9)
    assert standing(run) == (Run.Status.SEARCHING, None)
    prove(second_best, measured_ms=0.9)
    assert standing(run) == (Run.Status.SEARCHING, None)
    prove(best, measured_ms=1.01)
    assert standing(run) == (Run.Status.QUANTIZING, 1)


def test_where_no_network_holds_the_limit_the_timeline_says_so(
    owner: User, version: DatasetVersion, machine: WorkerNode
) -> None:
    run = order(owner, version, trials=1)
    prove(end_trial(run, 1, 0.9), measured_ms=1.2)
    assert standing(run) == (Run.Status.QUANTIZING, 1)
    said = " ".join(Event.objects.filter(subject=run.pk).values_list("text", flat=True))
    assert "measured at 1.20 ms, above the limit of 1 ms" in said
    assert "No network of this run holds the limits" in said


def test_a_device_of_another_link_says_nothing_about_the_limit(
    owner: User, version: DatasetVersion, machine: WorkerNode
) -> None:
    run = order(owner, version, trials=1)
    prove(end_trial(run, 1, 0.9), measured_ms=5.0, link="usb2")
    assert [record.measured_ms for record in history_of(run)] == [None]


def test_a_network_that_the_compiler_refuses_is_not_chosen_and_not_measured(
    owner: User, version: DatasetVersion, machine: WorkerNode
) -> None:
    run = order(owner, version)
    plain, refused = end_trial(run, 1, 0.8), end_trial(run, 2, 0.9)
    prove(plain, measured_ms=0.5)
    prove(refused, 0.5, {"state": "failed", "sentence": "The compiler stops at an activation of 4 MiB."})
    assert standing(run) == (Run.Status.QUANTIZING, 1)
    assert Event.objects.filter(subject=run.pk, text__contains="Trial 2 is not wholly on the chip").exists()


def test_a_training_that_was_stopped_is_not_proven(owner: User, version: DatasetVersion, machine: WorkerNode) -> None:
    end_trial(order(owner, version), 1, 0.5, {"rung_accuracies": [0.5]})
    assert not Step.objects.filter(kind__in=proofs.KINDS).exists()


@pytest.mark.parametrize("left", [{"compiler": "", "edge_tpus": EDGE_TPU}, {"compiler": "", "edge_tpus": []}])
def test_a_search_goes_on_when_the_machine_that_proves_leaves(
    owner: User, version: DatasetVersion, machine: WorkerNode, left: dict[str, Any]
) -> None:
    run = order(owner, version, trials=1)
    end_trial(run, 1, 0.9)
    go_on_without_missing_machines()
    assert standing(run) == (Run.Status.SEARCHING, None)
    announce_worker(name="bench", **left)
    go_on_without_missing_machines()
    assert standing(run) == (Run.Status.QUANTIZING, 1)


def test_cancelling_a_run_ends_its_proofs(owner: User, version: DatasetVersion, machine: WorkerNode) -> None:
    run = order(owner, version)
    end_trial(run, 1, 0.9)
    cancel_run(run=run)
    assert not proofs.are_under_way(run)
    assert lifecycle.claim("compiler", "bench") is None


def test_page_and_api_tell_measured_from_estimated_and_mark_what_breaks_a_limit(
    owner: User, version: DatasetVersion, machine: WorkerNode, client: Client
) -> None:
    run = order(owner, version)
    slow, fast = end_trial(run, 1, 0.9), end_trial(run, 2, 0.8)
    prove(slow, measured_ms=1.31)
    prove(fast, measured_ms=0.77)
    page = client.get(f"/runs/{run.pk}/").content.decode()
    for words in (
        '<span class="origin measured">measured</span>',
        "1.31 ms",
        "0.77 ms",
        "breaks a limit",
        "median of 200",
    ):
        assert words in page
    board = client.get(f"/api/runs/{run.pk}").json()["leaderboard"]
    assert [(row["number"], row["measured_ms"]) for row in board] == [(2, 0.77), (1, 1.31)]
    assert "above the limit of 1 ms" in board[1]["broken_limit"]


def test_a_network_that_is_being_proven_is_what_the_page_says_it_waits_for(
    owner: User, version: DatasetVersion, machine: WorkerNode, client: Client
) -> None:
    run = order(owner, version, trials=1)
    end_trial(run, 1, 0.9)
    assert "being compiled and measured" in client.get(f"/runs/{run.pk}/").content.decode()
