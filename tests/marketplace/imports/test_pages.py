"""The pages of models that people bring along: from the form to the release."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.catalog.models import Listing
from marketplace.imports import services
from marketplace.imports.models import Import
from marketplace.work.models import Event, Step
from tests.factories import make_user, make_version
from tests.marketplace.clients import ReadingClient
from tests.marketplace.imports.brought import (
    HEAD,
    NOTE,
    REASON,
    SENTENCE,
    only_looked_at,
    ready_import,
    upload,
    waiting_import,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _with_settings(settings: Settings) -> None:
    """Serve static files by their plain names (see tests/conftest.py)."""


@pytest.fixture
def ann() -> User:
    return make_user("ann")


@pytest.fixture
def page(ann: User) -> ReadingClient:
    client = ReadingClient()
    client.force_login(ann)
    return client


def form(**values: Any) -> dict[str, Any]:
    return {"name": "mine", "file": upload(), "device": "devboard", "pixels": "auto", **values}


def test_a_model_is_stored_and_its_opening_ordered(page: ReadingClient, ann: User) -> None:
    version = make_version(ann)
    answer = page.post("/imports/new", form(dataset_version=version.pk, labels="a\nb\nc\n", pixels="unit"))
    brought = Import.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/imports/{brought.pk}/")
    assert (brought.labels, brought.pixels, brought.dataset_version) == (["a", "b", "c"], "unit", version)
    assert default_storage.size(brought.file_key) == brought.file_bytes
    assert Step.objects.get(kind="import").subject == brought.pk
    shown = page.get(answer["Location"]).body.decode()
    assert "Waiting for a worker" in shown
    assert f'hx-get="/imports/{brought.pk}/state"' in shown


def test_a_script_learns_where_its_model_is_and_why_not(page: ReadingClient) -> None:
    taken = page.post("/imports/new", form(), headers={"Accept": "application/json"})
    assert (taken.status_code, taken.json()["location"]) == (202, f"/imports/{Import.objects.get().pk}/")
    refused = page.post("/imports/new", form(file=upload(content=b"")), headers={"Accept": "application/json"})
    assert refused.json()["detail"] == "This file is empty. Choose your model again."


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": "Not A Name"}, "Name: Use 1 to 39 small letters"),
        ({"file": ""}, "No file came with the form. Choose a model file: .keras, .h5, a SavedModel as ZIP, .pb or"),
        ({"dataset_version": "77"}, "Dataset: Select a valid choice."),
        ({"labels": "a\n\nb\n\nc"}, "There are empty lines between the labels: give every answer a name."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    page: ReadingClient, values: dict[str, Any], sentence: str
) -> None:
    answer = page.post("/imports/new", form(labels="one\ntwo") | values)
    assert answer.status_code == 422
    assert sentence in answer.body.decode()
    assert (values.get("labels") or "one\ntwo").replace("\n", "\r\n").split()[0] in answer.body.decode()
    assert not Import.objects.exists()


def test_a_model_over_the_limit_is_refused(page: ReadingClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "LARGEST_MODEL_BYTES", 4)
    answer = page.post("/imports/new", form())
    assert answer.status_code == 413
    assert "a model may have 0 MiB. The Edge TPU keeps some 8 MiB on the chip" in answer.body.decode()


def test_a_person_cannot_have_many_models_opened_at_once(page: ReadingClient, ann: User) -> None:
    for number in range(services.MOST_WAITING):
        waiting_import(ann, f"m{number}")
    answer = page.post("/imports/new", form())
    assert answer.status_code == 409
    assert "5 of your models are being opened." in answer.body.decode()


def test_what_was_found_is_shown(page: ReadingClient, ann: User) -> None:
    brought = ready_import(ann)
    shown = page.get(f"/imports/{brought.pk}/").body.decode()
    for words in (
        HEAD,
        f"<strong>odd</strong> (<code>ELU</code>): {REASON}",
        NOTE,
        "86.7 %",
        "1.84 ms",
        "Keras (.keras), float",
        "1,234,567 multiply-accumulates a picture",
        "model_int8.tflite",
        "The Keras model as its author brought it",
        "Publish",
    ):
        assert words in shown, words
    assert "hx-get" not in shown.split("<main")[1]
    assert SENTENCE[:60] in page.get("/imports/").body.decode()


def test_a_file_is_fetched_by_its_owner(page: ReadingClient, ann: User) -> None:
    brought = ready_import(ann)
    answer = page.get(f"/imports/{brought.pk}/files/model_int8.tflite")
    assert answer.body == b"mine model_int8.tflite of ann"
    assert page.get(f"/imports/{brought.pk}/files/secret.key").status_code == 404


def test_a_refusal_is_shown(page: ReadingClient, ann: User) -> None:
    brought = waiting_import(ann)
    services.refuse_import(brought, "The layer “trick” is a Lambda layer.")
    shown = page.get(f"/imports/{brought.pk}/").body.decode()
    assert "The layer “trick” is a Lambda layer." in shown
    assert "Nothing of the file was kept." in shown
    assert "/publish" not in shown


@pytest.mark.parametrize("address", ["", "state", "files/labels.txt", "publish"])
def test_nobody_else_learns_of_a_model(address: str, page: ReadingClient) -> None:
    other = ready_import(make_user("ben"))
    assert page.get(f"/imports/{other.pk}/{address}").status_code == 404
    assert page.post(f"/imports/{other.pk}/delete").status_code == 404
    assert Import.objects.filter(pk=other.pk).exists()
    assert other.name not in page.get("/imports/").body.decode().split("<main")[1]
    assert ReadingClient().get(f"/imports/{other.pk}/{address}")["Location"].startswith("/account/login")


def test_a_model_is_published_with_its_card(page: ReadingClient, ann: User) -> None:
    brought = ready_import(ann)
    assert "What its card will say" in page.get(f"/imports/{brought.pk}/publish").body.decode()
    answer = page.post(
        f"/imports/{brought.pk}/publish", {"name": "coral-teller", "licence": "apache-2.0", "title": "Coral teller"}
    )
    assert answer["Location"] == "/ann/coral-teller"
    release = Listing.objects.get(name="coral-teller").releases.get()
    assert (release.kind, release.int8_accuracy, release.cpu_op_count) == ("imported", 0.8667, 1)
    names = {file.name for file in release.files.all()}
    assert names == {"original.keras", "model_int8.tflite", "model_uint8.tflite", "labels.txt", "card.json"}
    assert release.card["imported"]["format"] == "keras"
    assert release.card["input"]["preprocessing"] == "pixel / 127.5 − 1, so −1 to 1"
    listing = ReadingClient().get("/ann/coral-teller").body.decode()
    assert "86.7 %" in listing
    assert "The Keras model as its author brought it" in listing
    again = page.post(f"/imports/{brought.pk}/publish", {"name": "coral-teller", "licence": "apache-2.0"})
    assert "These very files are v1 of ann/coral-teller already" in again.body.decode()


def test_a_compiled_model_claims_no_dataset_and_no_time(page: ReadingClient, ann: User) -> None:
    facts = {key: value for key, value in ready_import(ann, "x").estimate.items() if "_ms" not in key}
    brought = ready_import(ann, kind="compiled", validation={}, estimate=facts)
    shown = page.get(f"/imports/{brought.pk}/").body.decode()
    assert "Memory was read from the compiled file." in shown
    assert "compiled for the Edge TPU already" in shown
    assert brought.dataset_facts["name"] not in shown
    card = page.get(f"/api/imports/{brought.pk}").json()["card"]
    assert card["latency"]["origin"] == "unknown"
    assert card["dataset"] == {"name": None, "version": None, "content_sha256": None}


def test_the_newest_dataset_is_proposed(page: ReadingClient, ann: User) -> None:
    make_version(ann)
    newest = make_version(ann)
    assert f'<option value="{newest.pk}" selected>' in page.get("/imports/new").body.decode()
    asked = make_version(ann, status="refused")
    assert f'value="{asked.pk}"' not in page.get(f"/imports/new?dataset={asked.pk}").body.decode()


def test_what_was_only_looked_at_cannot_be_published(page: ReadingClient, ann: User) -> None:
    brought = only_looked_at(ann)
    answer = page.get(f"/imports/{brought.pk}/publish")
    assert answer.status_code == 409
    assert "it has no 8-bit file to publish. Bring it again with one of your datasets." in answer.body.decode()


def test_a_deleted_model_is_gone_and_what_was_published_stays(
    page: ReadingClient, ann: User, django_capture_on_commit_callbacks: Any
) -> None:
    brought = ready_import(ann)
    keys = {file.name: file.storage_key for file in brought.files.all()}
    page.post(f"/imports/{brought.pk}/publish", {"name": "kept", "licence": "apache-2.0"})
    lost = ready_import(ann, "other")
    lost_keys = [file.storage_key for file in lost.files.all()]
    with django_capture_on_commit_callbacks(execute=True):
        assert page.post(f"/imports/{brought.pk}/delete")["Location"] == "/imports/"
        page.post(f"/imports/{lost.pk}/delete")
    assert not Import.objects.exists()
    assert not Event.objects.filter(about="import").exists()
    assert all(default_storage.exists(key) for key in keys.values())
    assert not any(default_storage.exists(key) for key in lost_keys)
    assert page.get("/ann/kept/resolve/main/model_int8.tflite").body == b"mine model_int8.tflite of ann"


def test_deleting_while_it_is_opened_stops_the_worker(page: ReadingClient, ann: User) -> None:
    brought = waiting_import(ann)
    page.post(f"/imports/{brought.pk}/delete")
    assert Step.objects.get(kind="import").status == Step.Status.CANCELLED


def test_the_pages_of_a_person_without_models_say_what_to_do(page: ReadingClient) -> None:
    shown = page.get("/imports/").body.decode()
    assert "No model yet" in shown
    assert 'href="/imports/new"' in shown
    assert "None: only look at it" in page.get("/imports/new").body.decode()
