"""Tokens: made once, shown once, kept as a hash, with only the rights that were chosen."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from marketplace.accounts.models import Token, User
from marketplace.accounts.tokens import SCOPES, make_token, token_of
from marketplace.errors import BadInput
from tests.factories import bearer, make_secret, make_user
from tests.marketplace.clients import ReadingClient as Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return make_user("reef")


@pytest.fixture
def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_only_a_hash_of_the_secret_is_kept(person: User) -> None:
    token, secret = make_secret(person)
    assert secret.startswith("atoll_")
    assert len(secret) > 40
    assert token.sha256 == hashlib.sha256(secret.encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_token")
        assert secret not in str(cursor.fetchall())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "everything"]}, "scopes"),
        ({"name": " "}, "name"),
        ({"name": "n" * 81}, "name"),
        ({"name": "\x00"}, "name"),
        ({"days": 0}, "days"),
        ({"days": -3}, "days"),
        ({"days": 10**9}, "days"),
    ],
)
def test_a_token_that_cannot_be_made_is_refused_with_its_field(
    person: User, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        make_token(user=person, **{"name": "laptop", "scopes": ["read"], **values})
    assert refused.value.field == field
    assert not Token.objects.exists()


def test_last_used_is_written_at_most_once_a_minute(person: User) -> None:
    token, secret = make_secret(person)
    token_of(secret)
    first = Token.objects.get(pk=token.pk).used_at
    token_of(secret)
    assert Token.objects.get(pk=token.pk).used_at == first
    Token.objects.update(used_at=timezone.now() - timedelta(minutes=2))
    token_of(secret)
    assert first is not None
    assert Token.objects.get(pk=token.pk).used_at > first


def test_the_page_shows_the_secret_once_and_never_again(signed_in: Client, person: User) -> None:
    answer = signed_in.post("/settings/tokens/", {"name": "laptop", "scopes": ["read", "runs:write"], "days": "30"})
    [secret] = re.findall(r"atoll_[A-Za-z0-9_-]{43}", answer.body.decode())
    assert "no-store" in answer["Cache-Control"]
    token = Token.objects.get()
    assert token_of(secret) == token
    assert token.scopes == ["read", "runs:write"]
    assert token.expires_at is not None
    text = signed_in.get("/settings/tokens/").body.decode()
    assert secret not in text
    assert secret[:12] in text


def test_the_page_says_every_right_in_words(signed_in: Client) -> None:
    text = signed_in.get("/settings/tokens/").body.decode()
    for scope, words in SCOPES.items():
        assert scope in text
        assert words in text


@pytest.mark.parametrize(
    "body", [{}, {"name": "x"}, {"name": "x", "scopes": ["all"]}, {"name": "x", "scopes": ["read"], "days": "7000"}]
)
def test_a_wrong_order_makes_no_token_and_is_explained(signed_in: Client, body: dict[str, Any]) -> None:
    answer = signed_in.post("/settings/tokens/", body)
    assert (answer.status_code, "errorlist" in answer.body.decode()) == (200, True)
    assert not Token.objects.exists()


def test_a_token_without_an_end_can_be_made(signed_in: Client) -> None:
    signed_in.post("/settings/tokens/", {"name": "server", "scopes": ["read"], "days": ""})
    assert Token.objects.get().expires_at is None


def test_a_revoked_token_opens_nothing_at_once(signed_in: Client, person: User) -> None:
    token, secret = make_secret(person)
    assert Client(headers=bearer(secret)).get("/api/tokens").status_code == 200
    assert signed_in.post(f"/settings/tokens/{token.pk}/revoke")["Location"] == "/settings/tokens/"
    assert Client(headers=bearer(secret)).get("/api/tokens").status_code == 401
    assert "revoked" in signed_in.get("/settings/tokens/").body.decode()


def test_nobody_revokes_somebody_elses_token(signed_in: Client) -> None:
    token, secret = make_secret(make_user())
    assert signed_in.post(f"/settings/tokens/{token.pk}/revoke").status_code == 404
    assert signed_in.delete(f"/api/tokens/{token.pk}").status_code == 404
    assert token_of(secret) is not None


def test_the_api_makes_tokens_for_a_session_only(signed_in: Client, person: User) -> None:
    order = {"name": "made by API", "scopes": ["read"], "days": 7}
    answer = signed_in.post("/api/tokens", order, content_type="application/json")
    assert answer.status_code == 201
    secret = answer.json()["secret"]
    assert token_of(secret) is not None
    program = Client(headers=bearer(make_secret(person)[1]))
    assert program.post("/api/tokens", order, content_type="application/json").status_code == 403
    assert program.delete(f"/api/tokens/{answer.json()['id']}").status_code == 403
    assert Client().post("/api/tokens", order, content_type="application/json").status_code == 401
    listed = signed_in.get("/api/tokens").json()["tokens"]
    assert {"secret", "sha256"} & set(listed[0]) == set()
    assert signed_in.delete(f"/api/tokens/{answer.json()['id']}").status_code == 204
    assert token_of(secret) is None


def test_the_api_names_what_is_wrong_with_an_order(signed_in: Client) -> None:
    for order, field in (({"name": "x", "scopes": []}, "scopes"), ({"name": "x", "scopes": ["read"], "day": 1}, "day")):
        answer = signed_in.post("/api/tokens", order, content_type="application/json")
        assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_session_needs_the_csrf_token_and_a_bearer_does_not(person: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)
    order = {"name": "x", "scopes": ["read"]}
    assert strict.post("/api/tokens", order, content_type="application/json").status_code == 403
    assert strict.post("/settings/tokens/", {"name": "x", "scopes": ["read"]}).status_code == 403
    program = Client(enforce_csrf_checks=True, headers=bearer(make_secret(person, "read")[1]))
    assert program.post("/api/notices/read", {}, content_type="application/json").status_code == 200
    assert Token.objects.count() == 1


def test_secrets_are_not_logged(signed_in: Client, person: User, caplog: pytest.LogCaptureFixture) -> None:
    _, secret = make_secret(person, "runs:write")
    with caplog.at_level("DEBUG"):
        Client(headers=bearer(secret)).get("/api/models/reef/none")
        Client(headers=bearer(secret)).get("/api/notices")
        signed_in.post("/settings/tokens/", {"name": "laptop", "scopes": ["read"], "days": "30"})
    assert secret not in caplog.text
    assert not re.search(r"atoll_[A-Za-z0-9_-]{43}", caplog.text)
