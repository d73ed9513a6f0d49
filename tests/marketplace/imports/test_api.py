"""Programs bring, watch, publish and delete models, with the rights of their token."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.imports.models import Import
from tests.factories import bearer, make_secret, make_user, make_version
from tests.marketplace.clients import ReadingClient
from tests.marketplace.imports.brought import SENTENCE, ready_import, upload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _with_settings(settings: Settings) -> None:
    """Serve static files by their plain names (see tests/conftest.py)."""


@pytest.fixture
def ann() -> User:
    return make_user("ann")


def program(user: User, *scopes: str) -> ReadingClient:
    return ReadingClient(headers=bearer(make_secret(user, *scopes)[1]))


def test_a_program_brings_a_model_and_sees_how_far_it_is(ann: User) -> None:
    version = make_version(ann)
    client = program(ann, "runs:write", "read")
    answer = client.post(
        "/api/imports", {"name": "mine", "file": upload(), "dataset_version": version.pk, "labels": "a\nb\nc"}
    )
    assert answer.status_code == 202, answer.body
    brought = Import.objects.get()
    assert answer["Location"] == f"/api/imports/{brought.pk}"
    told = client.get(answer["Location"]).json()
    assert (told["status"], told["progress"]) == ("working", {"phase": "Waiting for a worker"})
    assert (told["card"], told["files"]) == (None, [])
    assert (brought.dataset_version_id, brought.labels) == (version.pk, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        ({"pixels": "guess"}, 422, "must be one of auto, raw, unit, signed, atoll"),
        ({"device": "phone"}, 422, "There is no device “phone”."),
        ({"dataset_version": "x"}, 422, "must be the number of a dataset version of yours"),
        ({"dataset_version": "4711"}, 404, "There is no such dataset, or it belongs to somebody else."),
        ({"name": ""}, 422, "cannot be a model's name"),
    ],
)
def test_what_cannot_be_used_is_said(ann: User, values: dict[str, Any], status: int, words: str) -> None:
    answer = program(ann).post("/api/imports", {"name": "mine", "file": upload(), **values})
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
    assert not Import.objects.exists()


def test_somebody_elses_dataset_is_not_there(ann: User) -> None:
    theirs = make_version(make_user("ben"))
    answer = program(ann).post("/api/imports", {"name": "mine", "file": upload(), "dataset_version": theirs.pk})
    assert answer.status_code == 404


def test_a_program_reads_the_card_and_the_files(ann: User) -> None:
    brought = ready_import(ann)
    client = program(ann, "read")
    told = client.get(f"/api/imports/{brought.pk}").json()
    assert (told["status"], told["sentence"]) == ("ready", SENTENCE)
    assert told["card"]["accuracy"]["int8"] == 0.8667
    assert told["card"]["latency"]["origin"] == "estimated"
    assert [one["id"] for one in client.get("/api/imports").json()] == [brought.pk]
    part = client.get(f"/api/imports/{brought.pk}/files/model_int8.tflite", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.body) == (206, b"mine")


def test_each_act_needs_its_right(ann: User) -> None:
    brought = ready_import(ann)
    reader, writer = program(ann, "read"), program(ann, "runs:write")
    assert reader.post("/api/imports", {"name": "x", "file": upload()}).status_code == 403
    assert reader.delete(f"/api/imports/{brought.pk}").status_code == 403
    assert writer.get(f"/api/imports/{brought.pk}").status_code == 403
    for client in (reader, writer):
        answer = client.post(f"/api/imports/{brought.pk}/release", {}, content_type="application/json")
        assert answer.status_code == 403
    assert ReadingClient().get("/api/imports").status_code == 401


def test_a_program_publishes_and_deletes(ann: User) -> None:
    brought = ready_import(ann)
    client = program(ann)
    answer = client.post(
        f"/api/imports/{brought.pk}/release", {"title": "Mine", "private": True}, content_type="application/json"
    )
    assert (answer.status_code, answer["Location"]) == (201, "/api/models/ann/mine")
    assert ReadingClient().get("/ann/mine").status_code == 404
    wrong = client.post(f"/api/imports/{brought.pk}/release", {"privat": True}, content_type="application/json")
    assert wrong.status_code == 422
    assert client.delete(f"/api/imports/{brought.pk}").status_code == 204
    assert client.get(f"/api/imports/{brought.pk}").status_code == 404


def test_somebody_elses_model_is_not_there(ann: User) -> None:
    theirs = ready_import(make_user("ben"))
    client = program(ann)
    assert client.get(f"/api/imports/{theirs.pk}").status_code == 404
    assert client.get(f"/api/imports/{theirs.pk}/files/labels.txt").status_code == 404
    assert client.delete(f"/api/imports/{theirs.pk}").status_code == 404
    answer = client.post(f"/api/imports/{theirs.pk}/release", {}, content_type="application/json")
    assert answer.status_code == 404
    assert client.get("/api/imports").json() == []
