"""The models' API: finding, publishing, subscribing, notices, and the shapes that hub clients read."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.catalog.models import Listing
from tests.factories import bearer, make_release, make_run, make_secret, make_user
from tests.marketplace.clients import ReadingClient as Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user("reef")


def post(client: Client, path: str, body: dict[str, Any], secret: str = "") -> Any:
    return client.post(path, body, content_type="application/json", headers=bearer(secret) if secret else {})


def test_a_run_is_published_by_token(client: Client, owner: User) -> None:
    _, secret = make_secret(owner, "models:publish")
    body = {"run": make_run(owner).pk, "name": "corals", "title": "Corals", "notes": "The first."}
    answer = post(client, "/api/models", body, secret)
    assert answer.status_code == 201, answer.body
    assert answer["Location"] == "/api/models/reef/corals"
    told = answer.json()
    assert (told["id"], told["private"], told["atoll"]["release"]) == ("reef/corals", False, 1)
    assert told["atoll"]["notes"] == "The first."
    assert {file["rfilename"] for file in told["siblings"]} >= {"model_int8.tflite", "card.json"}


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"name": "Bad Name"}, 422, "name"),
        ({"name": 7}, 422, "name"),
        ({"run": "x"}, 422, "run"),
        ({"run": 10**30}, 404, None),
        ({"run": -1}, 404, None),
        ({"privat": True}, 422, "privat"),
        ({"licence": "none"}, 422, "licence"),
        ({"title": "nul \x00"}, 422, "title"),
    ],
)
def test_a_publication_that_cannot_be_made_says_what_is_wrong(
    client: Client, owner: User, change: dict[str, Any], status: int, field: str | None
) -> None:
    _, secret = make_secret(owner)
    answer = post(client, "/api/models", {"run": make_run(owner).pk, "name": "corals", **change}, secret)
    assert answer.status_code == status, answer.body
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json().get("field") == field
    assert not Listing.objects.exists()


def test_publishing_the_same_again_is_a_conflict(client: Client, owner: User) -> None:
    _, secret = make_secret(owner)
    body = {"run": make_run(owner).pk, "name": "corals"}
    assert [post(client, "/api/models", body, secret).status_code for _ in range(2)] == [201, 409]


def test_somebody_elses_run_is_not_found(client: Client, owner: User) -> None:
    _, secret = make_secret(make_user())
    assert post(client, "/api/models", {"run": make_run(owner).pk, "name": "x"}, secret).status_code == 404


def test_a_second_user_subscribes_and_finds_a_notice_of_the_next_release(client: Client, owner: User) -> None:
    make_release(owner, "corals")
    _, secret = make_secret(make_user(), "read")
    headers = bearer(secret)
    path = "/api/models/reef/corals/subscription"
    assert [client.put(path, headers=headers).status_code for _ in range(2)] == [204, 204]
    assert client.get("/api/notices", headers=headers).json() == {"notices": []}
    second = make_release(owner, "corals", notes="Better.")
    [notice] = client.get("/api/notices?unread=true", headers=headers).json()["notices"]
    assert (notice["model"], notice["release"], notice["notes"]) == ("reef/corals", 2, "Better.")
    assert (notice["revision"], notice["page"], notice["read_at"]) == (second.revision, "/reef/corals/v2", None)
    assert post(client, "/api/notices/read", {"ids": [notice["id"]]}, secret).json() == {"marked": 1}
    assert client.get("/api/notices?unread=true", headers=headers).json() == {"notices": []}
    assert [client.delete(path, headers=headers).status_code for _ in range(2)] == [204, 204]
    make_release(owner, "corals")
    assert post(client, "/api/notices/read", {}, secret).json() == {"marked": 0}


def test_a_signed_in_person_needs_the_csrf_token_to_write(owner: User) -> None:
    make_release(owner, "corals")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user())
    assert strict.put("/api/models/reef/corals/subscription").status_code == 403
    loose = Client()
    loose.force_login(make_user())
    assert loose.put("/api/models/reef/corals/subscription").status_code == 204


def test_models_are_found_filtered_sorted_and_paged(client: Client, owner: User) -> None:
    make_release(owner, "slow", make_run(owner, estimate={"latency_ms": 9.0}), title="Brain corals")
    make_release(owner, "fast", make_run(owner, estimate={"latency_ms": 1.0, "ops_on_cpu": []}), title="Fan corals")
    make_release(make_user("lagoon"), "unknown", make_run(User.objects.get(username="lagoon"), estimate={}))

    def names(query: str) -> list[str]:
        return [one["id"] for one in client.get(f"/api/models?{query}").json()]

    assert names("") == ["lagoon/unknown", "reef/fast", "reef/slow"]
    assert names("sort=latency") == ["reef/fast", "reef/slow", "lagoon/unknown"]
    assert names("search=CORALS%20brain") == ["reef/slow"]
    assert names("search=reef/fast") == ["reef/fast"]
    assert names("search=%00") == ["lagoon/unknown", "reef/fast", "reef/slow"]
    assert names("search=100%25") == []
    assert names("author=lagoon") == ["lagoon/unknown"]
    assert names("max_latency_ms=2") == ["reef/fast"]
    assert names("ops_on_cpu=0") == ["reef/fast"]
    assert names("device=usb3") == []
    assert names("min_accuracy=0.8&sort=accuracy") == ["lagoon/unknown", "reef/fast", "reef/slow"]
    assert names("sort=trendingScore&limit=1") == ["lagoon/unknown"]
    assert names("filter=image-classification&filter=license:apache-2.0&limit=1") == ["lagoon/unknown"]
    assert names("filter=license:mit") == names("filter=text-generation") == []
    assert names("cursor=999999999999999999999") == []


def test_the_next_page_is_linked(client: Client, owner: User) -> None:
    for name in ("a", "b", "c"):
        make_release(owner, name)
    path, seen = "/api/models?limit=2&search=reef", []
    while path:
        answer = client.get(path)
        seen += [one["id"] for one in answer.json()]
        path = answer.get("Link", "").partition("<")[2].partition(">")[0].removeprefix("http://testserver")
    assert seen == ["reef/c", "reef/b", "reef/a"]


def test_a_model_its_releases_and_its_files_are_told_as_a_hub_tells_them(client: Client, owner: User) -> None:
    first = make_release(owner, "corals")
    second = make_release(owner, "corals")
    model = client.get("/api/models/reef/corals").json()
    assert (model["sha"], model["author"], model["pipeline_tag"]) == (second.revision, "reef", "image-classification")
    assert model["atoll"]["card"] == second.card
    older = client.get(f"/api/models/reef/corals/revision/{first.revision[:8]}").json()
    assert older["sha"] == first.revision
    tree = client.get("/api/models/reef/corals/tree/v1").json()
    stored = {file.name: file for file in first.files.all()}
    assert {one["path"]: (one["size"], one["lfs"]["oid"]) for one in tree} == {
        name: (file.byte_count, file.sha256) for name, file in stored.items()
    }
    named = client.post(
        "/api/models/reef/corals/paths-info/v1", {"paths": ["card.json", "none"], "expand": "false"}
    ).json()
    assert [one["path"] for one in named] == ["card.json"]
    refs = client.get("/api/models/reef/corals/refs").json()
    assert [tag["name"] for tag in refs["tags"]] == ["v2", "v1"]
    assert refs["branches"][0]["targetCommit"] == second.revision


def test_what_is_not_there_is_told_with_the_words_of_hub_clients(client: Client, owner: User) -> None:
    make_release(owner, "corals")
    expected = {
        "/api/models/reef/none": "RepoNotFound",
        "/api/models/reef/corals/revision/v9": "RevisionNotFound",
        "/api/models/reef/corals/tree/nothing": "RevisionNotFound",
    }
    for path, code in expected.items():
        answer = client.get(path)
        assert (answer.status_code, answer["X-Error-Code"]) == (404, code)
        assert answer.json()["detail"].endswith(".")
