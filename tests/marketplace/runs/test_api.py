from __future__ import annotations

from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.devices.services import announce_worker, hear_from_worker
from marketplace.runs.models import Run
from marketplace.runs.starts import trials_within
from tests.factories import bearer, make_run, make_secret, make_user, make_version
from tests.marketplace.clients import ReadingClient


def program(user: User, *scopes: str) -> ReadingClient:
    """Return a program with a token of this person's."""
    return ReadingClient(headers=bearer(make_secret(user, *scopes)[1]))


@pytest.fixture
def ours(owner: User) -> ReadingClient:
    return program(owner)


def ordered(client: ReadingClient, version: DatasetVersion, **changes: Any) -> Any:
    body = {"dataset_version": version.pk, "latency_limit_ms": 3, "image_px": 64, "trials": 2, **changes}
    return client.post("/api/runs", body, content_type="application/json")


def test_an_order_is_accepted_and_says_where_the_run_is(ours: ReadingClient, version: DatasetVersion) -> None:
    answer = ordered(ours, version)
    run = Run.objects.get()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/runs/{run.pk}"
    body = answer.json()
    assert (body["id"], body["status"], body["progress"], body["waiting"]) == (run.pk, "queued", 0.0, 2)
    assert body["spec"]["onchip_limit_bytes"] == int(7.7 * 2**20)
    assert body["dataset"] == {"name": "marina/corals", "version": 1, "version_id": version.pk}


def test_the_picture_size_follows_from_the_dataset_where_none_is_named(
    ours: ReadingClient, version: DatasetVersion
) -> None:
    assert ordered(ours, version, image_px=None).json()["spec"]["image_px"] == 96


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("latency_limit_ms", 0, "must be more than 0 ms"),
        ("latency_limit_ms", -1, "must be more than 0 ms"),
        ("latency_limit_ms", "soon", "valid number"),
        ("latency_limit_ms", 0.01, "the fastest for 64 px pictures"),
        ("device", "toaster", "Choose one of these devices"),
        ("trials", 0, "Order 1 to"),
        ("image_px", 63, "Choose an image size"),
        ("onchip_limit_bytes", 2**60, "the chip has no more"),
        ("dataset_version", 2**70, "no dataset version of this number"),
        ("seed", -1, "greater than or equal to 0"),
        ("latency_limit", 3, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_ordered_is_refused_in_words_with_its_field(
    ours: ReadingClient, version: DatasetVersion, field: str, value: object, sentence: str
) -> None:
    answer = ordered(ours, version, **{field: value})
    body = answer.json()
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert sentence in body["detail"]
    assert body["field"] == field
    assert not Run.objects.exists()


def test_other_peoples_datasets_cannot_be_searched_on(ours: ReadingClient) -> None:
    assert ordered(ours, make_version(make_user("olga"))).status_code == 422


def test_a_token_that_may_only_read_orders_nothing(owner: User, version: DatasetVersion) -> None:
    answer = ordered(program(owner, "read"), version)
    assert answer.status_code == 403
    assert "runs:write" in answer.json()["detail"]


@pytest.mark.parametrize("end", ["", "/events", "/files/labels.txt"])
def test_a_token_without_the_right_to_read_shows_nothing(owner: User, version: DatasetVersion, end: str) -> None:
    run = make_run(owner, version)
    assert program(owner, "datasets:write").get(f"/api/runs/{run.pk}{end}").status_code == 403


@pytest.mark.usefixtures("db")
def test_a_stranger_is_told_how_to_come_in() -> None:
    assert ReadingClient().get("/api/runs").status_code == 401


def test_a_done_run_tells_its_leaderboard_its_results_and_its_files(ours: ReadingClient, owner: User) -> None:
    run = make_run(owner)
    body = ours.get(f"/api/runs/{run.pk}").json()
    assert (body["status"], body["progress"], body["eta_s"]) == ("done", 1.0, None)
    first = body["leaderboard"][0]
    assert (first["rank"], first["status"], first["validation_accuracy"], first["latency_ms"]) == (
        1,
        "done",
        0.88,
        1.84,
    )
    assert first["latency_origin"] == body["estimate"]["origin"] == "estimated"
    assert body["validation"]["int8_accuracy"] == 0.8667
    file = next(each for each in body["artifacts"] if each["name"] == "labels.txt")
    answer: Any = ours.get(file["url"])
    assert len(answer.body) == file["bytes"]
    assert answer.headers["ETag"] == f'"{file["sha256"]}"'


@pytest.mark.parametrize("end", ["", "/events", "/files/labels.txt"])
def test_other_peoples_runs_do_not_exist(ours: ReadingClient, end: str) -> None:
    run = make_run(make_user("olga"))
    answer = ours.get(f"/api/runs/{run.pk}{end}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


@pytest.mark.parametrize("act", ["stop", "cancel"])
def test_other_peoples_runs_can_be_neither_stopped_nor_cancelled(ours: ReadingClient, act: str) -> None:
    run = make_run(make_user("olga"), status=Run.Status.SEARCHING)
    assert ours.post(f"/api/runs/{run.pk}/{act}").status_code == 404


def test_stop_and_cancel_are_two_verbs(ours: ReadingClient, version: DatasetVersion) -> None:
    run_id = ordered(ours, version).json()["id"]
    other_id = ordered(ours, version).json()["id"]
    stopped = ours.post(f"/api/runs/{run_id}/stop")
    assert (stopped.status_code, stopped.json()["stop_requested"]) == (202, True)
    assert ours.post(f"/api/runs/{other_id}/cancel").json()["status"] == "cancelled"
    again = ours.post(f"/api/runs/{other_id}/cancel")
    assert (again.status_code, again.json()["detail"]) == (409, "This run has ended already.")


def test_runs_are_listed_newest_first_and_a_link_leads_on(ours: ReadingClient, owner: User) -> None:
    version = make_version(owner)
    ids = [make_run(owner, version, {}).pk for _ in range(3)]
    make_run(make_user("olga"))
    first = ours.get("/api/runs?limit=2")
    assert [each["id"] for each in first.json()["items"]] == [ids[2], ids[1]]
    assert first.json()["items"][0]["best_accuracy"] == 0.88
    following = first.headers["Link"].split(">")[0].removeprefix("<http://testserver")
    assert [each["id"] for each in ours.get(following).json()["items"]] == [ids[0]]


def test_events_can_be_followed(ours: ReadingClient, version: DatasetVersion) -> None:
    run_id = ordered(ours, version).json()["id"]
    ours.post(f"/api/runs/{run_id}/cancel")
    first, second = ours.get(f"/api/runs/{run_id}/events").json()["items"]
    assert first["text"].startswith("Ordered: 2 trials")
    later = ours.get(f"/api/runs/{run_id}/events?after={first['id']}").json()["items"]
    assert later == [second]


def test_a_program_adds_trials_to_a_run_that_is_done(ours: ReadingClient, owner: User) -> None:
    run = make_run(owner)
    answer: Any = ours.post(f"/api/runs/{run.pk}/trials", {"trials": 2}, content_type="application/json")
    assert (answer.status_code, answer.json()["status"], answer.json()["waiting"]) == (202, "searching", 2)
    again: Any = ours.post(f"/api/runs/{run.pk}/trials", {"trials": 2}, content_type="application/json")
    assert again.status_code == 409
    too_many: Any = ours.post(
        f"/api/runs/{make_run(owner).pk}/trials", {"trials": 500}, content_type="application/json"
    )
    assert (too_many.status_code, too_many.json()["field"]) == (422, "trials")


def test_a_program_chooses_another_network_and_needs_the_right_to(ours: ReadingClient, owner: User) -> None:
    run = make_run(owner)
    path, wish = f"/api/runs/{run.pk}/choose", {"trial": 77}
    answers: list[Any] = [
        who.post(path, wish, content_type="application/json")
        for who in (ours, program(owner, "read"), program(make_user()))
    ]
    assert [answer.status_code for answer in answers] == [422, 403, 404]
    assert answers[0].json()["field"] == "trial"


def test_adding_trials_takes_the_right_to_order_runs(owner: User) -> None:
    run = make_run(owner)
    answer: Any = program(owner, "read").post(
        f"/api/runs/{run.pk}/trials", {"trials": 2}, content_type="application/json"
    )
    assert answer.status_code == 403
    foreign: Any = program(make_user()).post(
        f"/api/runs/{run.pk}/trials", {"trials": 2}, content_type="application/json"
    )
    assert foreign.status_code == 404


def test_an_order_says_what_it_begins_with_and_what_it_looks_for(ours: ReadingClient, version: DatasetVersion) -> None:
    wanted = {"backbone": "tf2_mobilenet_v2_1.0_224_ptq", "goal": "front", "minutes": 7, "image_px": None}
    spec = ordered(ours, version, **wanted, trials=None).json()["spec"]
    assert (spec["families"], spec["goal"], spec["minutes"]) == (["mobilenet_v2"], "front", 7)
    assert spec["image_px"] == 128
    assert spec["trials"] == trials_within(7, spec["backbone"])


def test_an_order_that_names_no_start_begins_with_the_weights_that_a_worker_has(
    ours: ReadingClient, version: DatasetVersion
) -> None:
    def start(**changes: Any) -> tuple[str, list[str], int]:
        spec = ordered(ours, version, image_px=None, **changes).json()["spec"]
        return spec["backbone"], spec["families"], spec["image_px"]

    from_nothing = ("", ["efficientnet_edgetpu"], 96)
    assert start() == from_nothing
    announce_worker(name="reef", compiler="", edge_tpus=[])
    hear_from_worker(name="reef", backbones=["tf2_mobilenet_v2_1.0_224_ptq"])
    assert start() == ("tf2_mobilenet_v2_1.0_224_ptq", ["mobilenet_v2"], 128)
    assert start(backbone="") == start(families=["efficientnet_edgetpu"]) == from_nothing
