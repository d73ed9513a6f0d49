"""What programs may do with tokens. Only a signed-in person makes one: a stolen token cannot make another."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict

from marketplace.accounts.models import Token
from marketplace.accounts.person import person_of
from marketplace.accounts.queries import token_for, tokens_of
from marketplace.accounts.tokens import make_token, require_scope, revoke_token
from marketplace.errors import Forbidden

router = Router()


class TokenOrder(Schema):
    """The token that is wanted; without days it never expires."""

    model_config = ConfigDict(extra="forbid")

    name: str
    scopes: list[str]
    days: int | None = None


def token_shape(token: Token) -> dict[str, Any]:
    """Return a token without its secret."""
    return {
        "id": token.pk,
        "name": token.name,
        "hint": token.hint,
        "scopes": token.scopes,
        "live": token.live,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
        "revoked_at": token.revoked_at,
    }


@router.get("")
def list_tokens(request: HttpRequest) -> dict[str, Any]:
    """Return your tokens without their secrets (right `read`)."""
    require_scope(request, "read")
    return {"tokens": [token_shape(one) for one in tokens_of(person_of(request))]}


@router.post("", response={201: dict[str, Any]})
def create_token(request: HttpRequest, order: TokenOrder) -> Any:
    """Make a token; its secret is in this answer and never shown again. Only in a signed-in session."""
    _session_only(request, "A token cannot make another: sign in and make it under Settings › Tokens.")
    token, secret = make_token(user=person_of(request), name=order.name, scopes=order.scopes, days=order.days)
    return Status(201, {**token_shape(token), "secret": secret})


@router.delete("/{int:token_id}", response={204: None})
def delete_token(request: HttpRequest, token_id: int) -> Any:
    """Revoke a token, for good. Only in a signed-in session."""
    _session_only(request, "A token cannot revoke tokens: sign in and do it under Settings › Tokens.")
    revoke_token(token=token_for(person_of(request), token_id))
    return Status(204, None)


def _session_only(request: HttpRequest, sentence: str) -> None:
    if hasattr(request, "atoll_scopes"):
        raise Forbidden(sentence)
