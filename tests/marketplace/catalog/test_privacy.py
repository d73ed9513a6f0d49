"""A private model is there for its owner, and for the owner's tokens with the right “read”; for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.accounts.models import Token, User
from marketplace.accounts.tokens import revoke_token
from marketplace.catalog.models import Release
from tests.factories import bearer, make_release, make_run, make_secret, make_user
from tests.marketplace.clients import ReadingClient as Client

pytestmark = pytest.mark.django_db

PAGES = ("/reef/secret", "/reef/secret/v1", "/reef/secret/{revision}", "/reef/secret/subscription", "/reef/secret/edit")
FILES = (
    "/reef/secret/resolve/main/card.json",
    "/reef/secret/resolve/v1/model_int8.tflite",
    "/reef/secret/resolve/{revision}/labels.txt",
    "/reef/secret/resolve/main/none.bin",
    "/reef/secret/resolve/v9/card.json",
)
API = (
    "/api/models/reef/secret",
    "/api/models/reef/secret/revision/main",
    "/api/models/reef/secret/tree/main",
    "/api/models/reef/secret/refs",
)

LISTS = ("/", "/?search=secret", "/reef", "/api/models", "/api/models?search=secret", "/api/models?author=reef")


@pytest.fixture
def owner() -> User:
    return make_user("reef")


@pytest.fixture
def release(owner: User) -> Release:
    return make_release(owner, "secret", title="Secret corals", private=True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def with_token(secret: str) -> Client:
    return Client(headers=bearer(secret))


def live_token(owner: User) -> Client:
    return with_token(make_secret(owner, "read")[1])


def token_without_read(owner: User) -> Client:
    return with_token(make_secret(owner, "models:publish", "runs:write", "datasets:write")[1])


def revoked_token(owner: User) -> Client:
    token, secret = make_secret(owner)
    revoke_token(token=token)
    return with_token(secret)


def expired_token(owner: User) -> Client:
    token, secret = make_secret(owner, days=1)
    Token.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    return with_token(secret)


def token_of_a_closed_account(owner: User) -> Client:
    _, secret = make_secret(owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    return with_token(secret)


OUTSIDERS: dict[str, Callable[[User], Client]] = {
    "a stranger": lambda owner: Client(),
    "somebody else": lambda owner: signed_in(make_user()),
    "somebody else's token": lambda owner: live_token(make_user()),
    "the owner's token without read": token_without_read,
    "a revoked token": revoked_token,
    "an expired token": expired_token,
    "a token of a closed account": token_of_a_closed_account,
    "a made-up token": lambda owner: with_token("atoll_" + "x" * 43),
    "an empty token": lambda owner: with_token(""),
    "a foreign token": lambda owner: with_token("hf_" + "x" * 30),
    "basic credentials": lambda owner: Client(headers={"Authorization": "Basic cmVlZjpyZWVm"}),
}


@pytest.mark.parametrize("who", OUTSIDERS)
def test_for_an_outsider_a_private_model_is_not_there(who: str, owner: User, release: Release) -> None:
    client = OUTSIDERS[who](owner)
    for path in (*FILES, *API):
        for method in (client.get, client.head):
            answer = method(path.format(revision=release.revision))
            assert answer.status_code in ((404, 405) if method == client.head and path in API else (404,)), (who, path)
            assert "Secret" not in answer.body.decode()
    for path in FILES:
        assert client.get(path.format(revision=release.revision))["X-Error-Code"] == "RepoNotFound"
    for path in PAGES:
        answer = client.get(path.format(revision=release.revision))
        assert answer.status_code == 404 or answer["Location"].startswith("/account/login/"), (who, path)
    for path in (
        "/",
        "/?search=secret",
        "/reef",
        "/api/models",
        "/api/models?search=secret",
        "/api/models?author=reef",
    ):
        assert b"ecret corals" not in client.get(path).body, (who, path)


@pytest.mark.parametrize("who", OUTSIDERS)
def test_an_outsider_gets_the_same_answer_for_a_private_model_as_for_none(
    who: str, owner: User, release: Release
) -> None:
    client = OUTSIDERS[who](owner)

    def answer_for(path: str) -> tuple[int, dict[str, str], Any]:
        answer = client.get(path)
        told = {key: value for key, value in answer.headers.items() if key != "X-Request-Id"}
        body = answer.json()
        body.pop("request_id")
        return answer.status_code, told, body

    for path in ("/{}/resolve/main/card.json", "/api/models/{}", "/api/models/{}/tree/main"):
        assert answer_for(path.format("reef/secret")) == answer_for(path.format("reef/nothing"))


@pytest.mark.parametrize("who", [who for who in OUTSIDERS if who != "a token of a closed account"])
def test_an_outsider_cannot_write_to_a_private_model(who: str, owner: User, release: Release) -> None:
    client = OUTSIDERS[who](owner)
    for answer in (
        client.put("/api/models/reef/secret/subscription"),
        client.delete("/api/models/reef/secret/subscription"),
        client.post("/reef/secret/subscription"),
        client.post("/reef/secret/edit", {"title": "Mine now"}),
    ):
        assert answer.status_code in (302, 401, 403, 404)
    assert not release.listing.subscriptions.exists()
    release.listing.refresh_from_db()
    assert release.listing.title == "Secret corals"


def test_the_owner_sees_it_everywhere_by_session_and_by_token(owner: User, release: Release) -> None:
    for client in (signed_in(owner), live_token(owner)):
        for path in (*FILES[:3], *API):
            assert client.get(path.format(revision=release.revision)).status_code == 200, path
        for path in ("/api/models", "/api/models?search=secret", "/api/models?author=reef"):
            assert [one["id"] for one in client.get(path).json()] == ["reef/secret"]
    client = signed_in(owner)
    for path in ("/", "/?search=secret", "/reef", "/reef/secret", "/reef/secret/v1", "/reef/secret/edit"):
        assert b"Secret corals" in client.get(path).body


def test_a_private_file_is_never_kept_by_shared_caches(owner: User, release: Release) -> None:
    answer = live_token(owner).get(FILES[2].format(revision=release.revision))
    assert answer["Cache-Control"].startswith("private")


def test_a_token_that_does_not_help_is_named_whatever_was_asked_for(owner: User, release: Release) -> None:
    expected = {
        token_without_read: "The token that you sent lacks the right “read”.",
        revoked_token: "The token that you sent is not known here, has expired or was revoked.",
    }
    for make, sentence in expected.items():
        for name in ("secret", "nothing"):
            assert make(owner).get(f"/api/models/reef/{name}").json()["detail"].endswith(sentence)


def test_public_models_are_there_for_everybody_also_with_a_token_that_opens_nothing(owner: User) -> None:
    make_release(owner, "open")
    for make in OUTSIDERS.values():
        client = make(owner)
        assert client.get("/reef/open/resolve/main/card.json").status_code == 200
        assert client.get("/api/models/reef/open").status_code == 200
        assert [one["id"] for one in client.get("/api/models").json()] == ["reef/open"]


@pytest.mark.parametrize(
    ("scope", "allowed"), [("read", 403), ("runs:write", 403), ("datasets:write", 403), ("models:publish", 201)]
)
def test_only_the_right_to_publish_publishes(owner: User, scope: str, allowed: int) -> None:
    client = with_token(make_secret(owner, scope)[1])
    body = {"run": make_run(owner).pk, "name": "corals"}
    assert client.post("/api/models", body, content_type="application/json").status_code == allowed


@pytest.mark.parametrize("path", ["/api/notices", "/api/tokens"])
def test_ones_own_things_need_a_token_with_read(owner: User, path: str) -> None:
    assert live_token(owner).get(path).status_code == 200
    assert token_without_read(owner).get(path).status_code == 403
    for make in (OUTSIDERS["a stranger"], revoked_token, expired_token):
        answer = make(owner).get(path)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_publishing_pages_are_for_the_owner_of_the_run(owner: User) -> None:
    run = make_run(owner)
    assert Client().get(f"/publish/{run.pk}/")["Location"] == f"/account/login/?next=/publish/{run.pk}/"
    assert signed_in(make_user()).get(f"/publish/{run.pk}/").status_code == 404
    assert signed_in(make_user()).post(f"/publish/{run.pk}/", {"name": "x", "licence": "mit"}).status_code == 404
    assert signed_in(owner).get("/publish/999999999999999999999/").status_code == 404
