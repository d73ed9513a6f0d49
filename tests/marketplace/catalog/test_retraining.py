"""Training a published model further: what is ordered, what is refused, and who may see the lineage."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.catalog.models import Listing, Release
from marketplace.catalog.retraining import NO_WEIGHTS, can_be_retrained, order_retraining
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput
from marketplace.runs.models import Run
from marketplace.runs.parents import Parent
from tests.factories import ARCHITECTURE, bearer, make_release, make_run, make_secret, make_user, make_version
from tests.marketplace.clients import ReadingClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def maker() -> User:
    return make_user("reef")


@pytest.fixture
def learner() -> User:
    return make_user("marina")


@pytest.fixture
def version(learner: User) -> DatasetVersion:
    return make_version(learner, "fish", ["clown", "tang"])


@pytest.fixture
def parent(maker: User) -> Release:
    return make_release(maker, "corals", licence="mit")


def child_of(release: Release, owner: User, version: DatasetVersion, name: str = "fish") -> Release:
    """Publish a run that was trained further, as if it had ended."""
    ordered = order_retraining(owner=owner, release=release, dataset_version=version, device="devboard")
    run = make_run(owner, version, parent=ordered.parent, parent_release=release)
    return make_release(owner, name, run)


def test_the_first_trial_is_the_parents_network(parent: Release, learner: User, version: DatasetVersion) -> None:
    run = order_retraining(owner=learner, release=parent, dataset_version=version, device="devboard", trials=3)
    first, second = run.trials.all()[:2]
    assert first.architecture["blocks"][0]["filters"] == ARCHITECTURE["blocks"][0]["filters"]  # type: ignore[index]
    assert first.architecture_key
    assert first.estimate["latency_ms"] <= run.latency_limit_ms
    assert "reef/corals v1 itself" in first.proposal["reason"]
    assert not second.architecture_key
    assert (run.families, run.image_px) == (["efficientnet_edgetpu"], 64)


def test_a_run_keeps_what_it_needs_of_its_parent_when_the_parent_goes(
    parent: Release, learner: User, version: DatasetVersion
) -> None:
    run = order_retraining(owner=learner, release=parent, dataset_version=version, device="devboard")
    file = parent.files.get(name="checkpoint.keras")
    Listing.objects.all().delete()
    run.refresh_from_db()
    kept = Parent.from_json(run.parent)
    assert run.parent_release is None
    assert kept is not None
    assert (kept.tag, kept.storage_key) == ("reef/corals v1", file.storage_key)


def test_a_limit_below_what_the_network_needs_is_refused(
    parent: Release, learner: User, version: DatasetVersion
) -> None:
    with pytest.raises(BadInput, match=r"The network of reef/corals v1 takes about \d\.\d\d ms") as refused:
        order_retraining(
            owner=learner, release=parent, dataset_version=version, device="devboard", latency_limit_ms=0.01
        )
    assert refused.value.field == "latency_limit_ms"
    assert not Run.objects.filter(owner=learner).exists()


def test_a_release_without_a_checkpoint_cannot_be_trained_further(
    maker: User, learner: User, version: DatasetVersion
) -> None:
    run = make_run(maker)
    run.artifacts.filter(name="checkpoint.keras").delete()
    release = make_release(maker, run=run)
    assert not can_be_retrained(release)
    with pytest.raises(BadInput) as refused:
        order_retraining(owner=learner, release=release, dataset_version=version, device="devboard")
    assert refused.value.sentence == NO_WEIGHTS


def test_the_childs_card_names_the_parent_and_its_licence(
    parent: Release, learner: User, version: DatasetVersion
) -> None:
    card = child_of(parent, learner, version).card
    assert card["parent"] == {
        "model": "reef/corals",
        "release": 1,
        "revision": parent.revision,
        "licence": {"id": "mit", "title": "MIT License"},
    }


def test_the_card_of_a_private_parents_child_tells_the_licence_only(
    maker: User, version: DatasetVersion, learner: User
) -> None:
    secret = make_release(maker, "secret", private=True, licence="mit")
    mine = make_version(maker, "mine", ["a", "b"])
    card = child_of(secret, maker, mine).card
    assert card["parent"]["model"] == ""
    assert card["parent"]["licence"]["id"] == "mit"
    assert "secret" not in str(card["parent"])


def test_both_pages_tell_of_each_other(
    client: ReadingClient, parent: Release, learner: User, version: DatasetVersion
) -> None:
    child_of(parent, learner, version)
    assert 'href="/reef/corals/v1">reef/corals v1</a>' in client.get("/marina/fish").content.decode()
    assert 'href="/marina/fish">marina/fish</a>' in client.get("/reef/corals").content.decode()


def test_a_private_child_is_seen_by_its_owner_only(
    client: ReadingClient, parent: Release, learner: User, version: DatasetVersion
) -> None:
    Listing.objects.filter(pk=child_of(parent, learner, version).listing_id).update(private=True)
    assert "marina/fish" not in client.get("/reef/corals").content.decode()
    client.force_login(learner)
    assert "marina/fish" in client.get("/reef/corals").content.decode()


def test_a_parent_that_became_private_is_not_named(
    client: ReadingClient, parent: Release, learner: User, version: DatasetVersion
) -> None:
    child_of(parent, learner, version)
    Listing.objects.filter(pk=parent.listing_id).update(private=True)
    page = client.get("/marina/fish").content.decode()
    assert "reef/corals" not in page
    assert "a model that is not public" in page


def test_the_page_orders_a_run_with_what_the_network_needs(
    client: ReadingClient, parent: Release, learner: User, version: DatasetVersion
) -> None:
    client.force_login(learner)
    page = client.get("/reef/corals/retrain").content.decode()
    assert "64 × 64 px" in page
    assert "MIT License" in page
    typed = {"dataset_version": version.pk, "device": "usb3", "trials": "1", "latency_limit_ms": ""}
    answer: Any = client.post("/reef/corals/retrain", typed)
    run = Run.objects.get(owner=learner)
    assert answer.url == f"/runs/{run.pk}/"
    assert (run.parent_release, run.device, run.trials_wanted) == (parent, "usb3", 1)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("latency_limit_ms", "0.01", "Allow at least that"),
        ("latency_limit_ms", "quick", "is a number of milliseconds"),
        ("trials", "0", "Order 1 to"),
        ("device", "toaster", "Choose one of these devices."),
        ("dataset_version", "999999", "Choose one of your datasets that is ready"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    client: ReadingClient,
    parent: Release,
    learner: User,
    version: DatasetVersion,
    field: str,
    value: str,
    sentence: str,
) -> None:
    client.force_login(learner)
    typed = {"dataset_version": version.pk, "device": "usb2", "trials": "7", field: value}
    answer = client.post("/reef/corals/retrain", typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page.split(f'id="id_{field}_error"')[1].split("</ul>")[0]
    assert field == "trials" or 'value="7"' in page
    assert not Run.objects.filter(owner=learner).exists()


def test_a_private_model_of_somebody_else_has_no_such_page(
    client: ReadingClient, parent: Release, learner: User
) -> None:
    Listing.objects.update(private=True)
    client.force_login(learner)
    assert client.get("/reef/corals/retrain").status_code == 404


def program(user: User, *scopes: str) -> ReadingClient:
    return ReadingClient(headers=bearer(make_secret(user, *scopes)[1]))


def test_a_program_orders_by_the_parents_name(parent: Release, learner: User, version: DatasetVersion) -> None:
    body = {"dataset_version": version.pk, "parent": "reef/corals@v1"}
    answer: Any = program(learner).post("/api/runs", body, content_type="application/json")
    assert answer.status_code == 202
    assert answer.json()["parent"] == {
        "model": "reef/corals",
        "release": 1,
        "revision": parent.revision,
        "licence": "mit",
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"parent": "reef/nothing"}, 404),
        ({"parent": "reef"}, 422),
        ({"parent": "reef/corals@v9"}, 404),
        ({"parent": "reef/corals", "image_px": 96}, 422),
        ({"parent": "reef/corals", "backbone": "x"}, 422),
        ({}, 422),
    ],
)
def test_a_program_is_told_what_cannot_be_ordered(
    parent: Release, learner: User, version: DatasetVersion, body: dict[str, Any], status: int
) -> None:
    answer = program(learner).post(
        "/api/runs", {"dataset_version": version.pk, **body}, content_type="application/json"
    )
    assert answer.status_code == status, answer.content
    assert not Run.objects.filter(owner=learner).exists()
