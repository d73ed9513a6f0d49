"""The API as a whole."""

from __future__ import annotations

import pytest

from marketplace.accounts.models import User
from tests.factories import bearer, make_secret, make_user
from tests.marketplace.clients import ReadingClient as Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return make_user()


def test_the_description_names_every_address_with_a_sentence(client: Client) -> None:
    described = client.get("/api/openapi.json").json()
    for path in ("/api/models", "/api/models/{owner}/{name}/subscription", "/api/notices", "/api/tokens"):
        assert path in described["paths"]
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation.get("description", "").endswith("."), path


def test_an_error_is_a_problem_document_with_a_request_id(client: Client) -> None:
    answer = client.get("/api/notices")
    assert answer["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"]) == (401, "not-signed-in")
    assert told["request_id"] == answer["X-Request-Id"]
    assert "Settings" in told["detail"]


def test_broken_json_and_wrong_methods_are_told_as_such(client: Client, person: User) -> None:
    headers = bearer(make_secret(person)[1])
    broken = client.post("/api/models", "{", content_type="application/json", headers=headers)
    assert broken.status_code in (400, 422)
    assert client.delete("/api/models", headers=headers).status_code == 405
