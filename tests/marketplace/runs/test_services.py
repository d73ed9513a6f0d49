"""Ordering, stopping and cancelling: what can be asked, what is refused and in which words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from edgetpu.latency import DEVICES
from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput, Conflict, NotFound, UserError
from marketplace.runs import outcomes
from marketplace.runs.models import Artifact, Run, Trial
from marketplace.runs.services import add_trials, cancel_run, choose_trial, order_run, stop_run
from marketplace.runs.specs import history_of, seconds_of_trials, seconds_since_start, spec_for
from marketplace.work import lifecycle
from marketplace.work.models import Event, Step
from tests.factories import ARCHITECTURE, MEASURED, make_run, make_user, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return make_user()


@pytest.fixture
def version(person: User) -> DatasetVersion:
    return make_version(person)


def order(person: User, version: DatasetVersion, **changes: Any) -> Run:
    asked = {
        "latency_limit_ms": 2.0,
        "device": "devboard",
        "onchip_limit_bytes": 7 * 2**20,
        "trials": 3,
        "image_px": 32,
    }
    return order_run(owner=person, dataset_version=version, **{**asked, **changes})


def test_an_order_is_a_run_with_its_trials_and_a_step_for_each(person: User, version: DatasetVersion) -> None:
    run = order(person, version)
    assert list(run.trials.values_list("number", "status")) == [(n, Trial.Status.WAITING) for n in (1, 2, 3)]
    steps = Step.objects.filter(kind=Step.Kind.TRIAL)
    assert set(steps.values_list("subject", flat=True)) == set(run.trials.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latency_limit_ms": 0}, "more than 0 ms"),
        ({"latency_limit_ms": -1.5}, "more than 0 ms"),
        ({"latency_limit_ms": float("nan")}, "more than 0 ms"),
        ({"latency_limit_ms": float("inf")}, "at most 1000 ms"),
        ({"trials": 0}, "1 to 200 trials"),
        ({"trials": 10**6}, "1 to 200 trials"),
        ({"image_px": 33}, "image size"),
        ({"device": "toaster"}, "these devices"),
        ({"onchip_limit_bytes": 0}, "on-chip limit"),
        ({"onchip_limit_bytes": 9 * 2**20}, "the chip has no more"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_words(
    person: User, version: DatasetVersion, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        order(person, version, **changes)
    assert refused.value.field == next(iter(changes))
    assert not Run.objects.exists()


def test_a_limit_that_no_network_meets_names_the_fastest_possible(person: User, version: DatasetVersion) -> None:
    with pytest.raises(BadInput, match=r"\d+(\.\d+)? ms") as refused:
        order(person, version, latency_limit_ms=0.05)
    assert DEVICES["devboard"].title in refused.value.sentence
    assert not Run.objects.exists()
    assert not Step.objects.exists()


def test_a_dataset_of_somebody_else_is_not_there(version: DatasetVersion) -> None:
    with pytest.raises(NotFound):
        order(make_user(), version)


def test_a_dataset_that_is_not_ready_must_wait(person: User) -> None:
    with pytest.raises(Conflict, match="not ready"):
        order(person, make_version(person, status=DatasetVersion.Status.CHECKING))


def chosen(key: str, **estimate: float) -> dict[str, Any]:
    return {"architecture": ARCHITECTURE, "key": key, "estimate": estimate}


def begin(run: Run, number: int) -> tuple[Trial, lifecycle.Lease]:
    trial = Trial.objects.select_related("run").get(run=run, number=number)
    lease = lifecycle.claim("cpu", "worker")
    assert lease is not None
    assert lease.subject == trial.pk
    assert outcomes.begin_trial(trial)
    outcomes.record_proposal(trial, chosen(f"key{number}", latency_ms=1.0 + number))
    return trial, lease


def end_well(trial: Trial, lease: lifecycle.Lease, accuracy: float) -> None:
    with lifecycle.finishing(lease):
        outcomes.record_trial(trial, {"validation_accuracy": accuracy, "float_accuracy": accuracy, "seconds": 1.0}, {})


def test_two_trials_never_train_the_same_architecture(person: User, version: DatasetVersion) -> None:
    run = order(person, version)
    begin(run, 1)
    second = Trial.objects.select_related("run").get(run=run, number=2)
    assert not outcomes.record_proposal(second, chosen("key1"))
    assert outcomes.record_proposal(second, chosen("key2"))


def test_the_last_trial_sends_the_most_accurate_network_to_be_quantized(person: User, version: DatasetVersion) -> None:
    run = order(person, version)
    for number, accuracy in ((1, 0.7), (2, 0.9), (3, 0.9)):
        end_well(*begin(run, number), accuracy)
    run.refresh_from_db()
    assert run.status == Run.Status.QUANTIZING
    assert run.best_trial is not None
    assert run.best_trial.number == 2  # as accurate as trial 3, and faster
    assert Step.objects.filter(kind=Step.Kind.QUANTIZE, subject=run.pk, status=Step.Status.WAITING).exists()


def test_a_failed_trial_does_not_fail_the_search(person: User, version: DatasetVersion) -> None:
    run = order(person, version, trials=2)
    trial, lease = begin(run, 1)
    with lifecycle.failing(lease, "It did not converge."):
        outcomes.fail_trial(trial, "It did not converge.")
    end_well(*begin(run, 2), 0.8)
    run.refresh_from_db()
    assert run.status == Run.Status.QUANTIZING


def test_a_run_without_a_single_good_trial_fails_with_a_sentence(person: User, version: DatasetVersion) -> None:
    run = order(person, version, trials=1)
    trial, lease = begin(run, 1)
    with lifecycle.failing(lease, "It did not converge."):
        outcomes.fail_trial(trial, "It did not converge.")
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert run.failure == outcomes.NO_TRIAL_LEFT


def test_an_exhausted_space_ends_the_search_with_what_there_is(person: User, version: DatasetVersion) -> None:
    run = order(person, version)
    end_well(*begin(run, 1), 0.8)
    trial, lease = begin(run, 2)
    with lifecycle.finishing(lease):
        outcomes.skip_trials(trial, "Nothing new.")
    run.refresh_from_db()
    assert run.status == Run.Status.QUANTIZING
    assert set(run.trials.values_list("status", flat=True)) == {Trial.Status.DONE, Trial.Status.SKIPPED}


def test_stop_keeps_the_best_and_lets_the_running_trial_end(person: User, version: DatasetVersion) -> None:
    run = order(person, version)
    end_well(*begin(run, 1), 0.8)
    running = begin(run, 2)
    stop_run(run=run)
    run.refresh_from_db()
    assert run.status == Run.Status.SEARCHING
    assert lifecycle.claim("cpu", "worker") is None
    end_well(*running, 0.9)
    run.refresh_from_db()
    assert run.status == Run.Status.QUANTIZING
    with pytest.raises(Conflict):
        stop_run(run=run)


def test_stop_before_anything_was_found_says_so(person: User, version: DatasetVersion) -> None:
    run = order(person, version)
    stop_run(run=run)
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert "nothing to keep" in run.failure


def test_cancel_drops_everything_and_a_late_result_changes_nothing(person: User, version: DatasetVersion) -> None:
    run = order(person, version)
    trial, lease = begin(run, 1)
    cancel_run(run=run)
    assert not lifecycle.renew(lease)
    with pytest.raises(Exception, match="no longer held"):
        end_well(trial, lease, 1.0)
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    assert set(run.trials.values_list("status", flat=True)) == {Trial.Status.CANCELLED}
    with pytest.raises(UserError, match="ended already"):
        cancel_run(run=run)
    assert Event.objects.filter(subject=run.pk).last().text == "Cancelled."  # type: ignore[union-attr]


def done(person: User, version: DatasetVersion) -> Run:
    """Return a run of two trials that is done."""
    run = order(person, version, trials=2)
    for number, accuracy in ((1, 0.7), (2, 0.9)):
        end_well(*begin(run, number), accuracy)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.DONE, validation={"int8_accuracy": 0.8})
    quantized()
    run.refresh_from_db()
    return run


def quantized() -> None:
    """Let every order of files be carried out."""
    Step.objects.filter(kind=Step.Kind.QUANTIZE).update(status=Step.Status.DONE)


def is_quantized_next(run: Run) -> bool:
    """Say whether a worker will take the order of a run's files."""
    return Step.objects.filter(kind=Step.Kind.QUANTIZE, subject=run.pk, status=Step.Status.WAITING).exists()


def test_added_trials_go_on_where_the_run_ended(person: User, version: DatasetVersion) -> None:
    run = done(person, version)
    add_trials(run=run, trials=2)
    run.refresh_from_db()
    assert (run.status, run.trials_wanted, run.ended_at) == (Run.Status.SEARCHING, 4, None)
    assert list(run.trials.values_list("number", flat=True)) == [1, 2, 3, 4]


def test_added_trials_that_find_nothing_better_leave_the_model_as_it_is(person: User, version: DatasetVersion) -> None:
    run = done(person, version)
    add_trials(run=run, trials=1)
    end_well(*begin(run, 3), 0.85)
    run.refresh_from_db()
    assert (run.status, run.validation) == (Run.Status.DONE, {"int8_accuracy": 0.8})
    assert run.ended_at is not None
    assert not is_quantized_next(run)


def test_a_better_network_replaces_files_and_figures_of_the_earlier_one(person: User, version: DatasetVersion) -> None:
    run = done(person, version)
    Artifact.objects.create(run=run, name="model_edgetpu.tflite", sha256="a" * 64, byte_count=1, storage_key="x")
    add_trials(run=run, trials=1)
    end_well(*begin(run, 3), 0.95)
    run.refresh_from_db()
    assert run.best_trial is not None
    assert (run.status, run.best_trial.number, run.validation) == (Run.Status.QUANTIZING, 3, {})
    assert not run.artifacts.exists()
    assert is_quantized_next(run)


def test_files_are_made_of_another_network_that_was_chosen(person: User, version: DatasetVersion) -> None:
    run = done(person, version)
    Artifact.objects.create(run=run, name="model_int8.tflite", sha256="a" * 64, byte_count=1, storage_key="x")
    choose_trial(run=run, number=1)
    run.refresh_from_db()
    assert run.best_trial is not None
    assert (run.status, run.best_trial.number, run.validation, run.ended_at) == (Run.Status.QUANTIZING, 1, {}, None)
    assert not run.artifacts.exists()
    assert is_quantized_next(run)


def test_added_trials_leave_a_chosen_network_unless_they_beat_all_before(person: User, version: DatasetVersion) -> None:
    run = done(person, version)
    choose_trial(run=run, number=1)
    for accuracy, status, number in ((0.85, Run.Status.DONE, 1), (0.95, Run.Status.QUANTIZING, 4)):
        Run.objects.filter(pk=run.pk).update(status=Run.Status.DONE, validation={"int8_accuracy": 0.7})
        quantized()
        add_trials(run=run, trials=1)
        end_well(*begin(run, run.trials.count()), accuracy)
        run.refresh_from_db()
        assert run.best_trial is not None
        assert (run.status, run.best_trial.number) == (status, number)


def test_what_cannot_be_chosen_is_refused_with_a_sentence(person: User, version: DatasetVersion) -> None:
    run = done(person, version)
    with pytest.raises(Conflict, match="those of trial 2 already"):
        choose_trial(run=run, number=2)
    with pytest.raises(BadInput, match="a trial of this run that ended well") as refused:
        choose_trial(run=run, number=9)
    assert refused.value.field == "trial"
    with pytest.raises(Conflict, match="This one is not"):
        choose_trial(run=order(person, version), number=1)


def test_a_run_counts_the_networks_that_its_test_split_has_judged(person: User, version: DatasetVersion) -> None:
    run = done(person, version)
    for networks in (1, 2):
        Run.objects.filter(pk=run.pk).update(status=Run.Status.VALIDATING)
        run.refresh_from_db()
        outcomes.record_validated(run, {"int8_accuracy": 0.8})
        run.refresh_from_db()
        assert (run.status, run.networks_tested) == (Run.Status.DONE, networks)


@pytest.mark.parametrize(("trials", "words"), [(0, "at least 1"), (-1, "at least 1"), (199, "can get 198 more")])
def test_a_number_of_trials_that_cannot_be_added_is_refused(
    person: User, version: DatasetVersion, trials: int, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        add_trials(run=done(person, version), trials=trials)


def test_only_a_run_that_is_done_gets_more_trials(person: User, version: DatasetVersion) -> None:
    with pytest.raises(Conflict, match="run that is done"):
        add_trials(run=order(person, version), trials=1)


def test_the_minutes_of_a_run_begin_with_its_first_trial(person: User, version: DatasetVersion) -> None:
    run = order(person, version, minutes=10)
    assert seconds_since_start(run) == 0
    trial, _ = begin(run, 1)
    trial.run.started_at = timezone.now() - timedelta(minutes=11)
    assert seconds_since_start(trial.run) >= 660


def test_the_trials_of_a_run_took_until_the_last_one_ended(person: User, version: DatasetVersion) -> None:
    run = order(person, version, trials=2)
    trial, lease = begin(run, 1)
    assert seconds_of_trials(trial.run) == 0
    end_well(trial, lease, 0.8)
    begun_at = timezone.now()
    Run.objects.filter(pk=run.pk).update(started_at=begun_at)
    Trial.objects.filter(pk=trial.pk).update(ended_at=begun_at + timedelta(minutes=7))
    run.refresh_from_db()
    assert seconds_of_trials(run) == 420


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"minutes": 0}, "minutes", "Allow 1 to"),
        ({"minutes": float("nan")}, "minutes", "Allow 1 to"),
        ({"min_gain": 0}, "min_gain", "more than 0"),
        ({"min_gain": float("nan")}, "min_gain", "more than 0"),
        ({"file_limit_bytes": -1000}, "file_limit_bytes", "more than 0"),
        ({"goal": "fame"}, "goal", "The goal is one of target, front"),
        ({"families": ["toaster"]}, "families", "these families"),
        ({"backbone": "toaster"}, "backbone", "no such published weights"),
        (
            {"backbone": "tf2_mobilenet_v2_1.0_224_ptq", "families": ["efficientnet_edgetpu"]},
            "families",
            "networks of MobileNet ?[vV]2 alone",
        ),
    ],
)
def test_a_start_that_cannot_be_is_refused(
    person: User, version: DatasetVersion, changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        order(person, version, **changes)
    assert refused.value.field == field


def test_published_weights_decide_the_family(person: User, version: DatasetVersion) -> None:
    run = order(person, version, backbone="tf2_mobilenet_v2_1.0_224_ptq")
    assert run.families == ["mobilenet_v2"]
    assert spec_for(run).classes == 3


def test_the_engine_is_told_all_of_an_order(person: User, version: DatasetVersion) -> None:
    families = ["efficientnet_edgetpu", "mobilenet_v2"]
    spec = spec_for(order(person, version, minutes=5, min_gain=0.01, goal="front", families=families, trials=4))
    told = (spec.minutes, spec.min_gain, spec.objective, spec.families, spec.trials)
    assert told == (5, 0.01, "front", tuple(families), 4)


def test_the_engine_learns_what_a_device_measured_of_the_best(person: User) -> None:
    run = make_run(person, measurement=MEASURED, device="usb3")
    run.trials.create(number=2, status=Trial.Status.DONE, architecture=ARCHITECTURE, architecture_key="other")
    assert [record.measured_ms for record in history_of(run)] == [2.31, None]
