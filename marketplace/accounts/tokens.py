"""Who a program comes as: a token in the Authorization header, or the signed-in person's session."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import APIKeyCookie, HttpBearer

from marketplace.accounts.models import Token, User
from marketplace.errors import BadInput, Forbidden

PREFIX = "atoll_"
SCOPES = {
    "read": "See your private datasets, runs and models, and download their files",
    "datasets:write": "Upload datasets",
    "runs:write": "Order, stop and cancel runs",
    "models:publish": "Publish releases",
}
MAX_NAME = 80
LONGEST_DAYS = 3650
USED_AT_GRAIN = timedelta(minutes=1)
"""“Last used” is written at most this often, so that a download does not cost a write."""


def make_token(*, user: User, name: str, scopes: list[str], days: int | None = None) -> tuple[Token, str]:
    """Make a token; return its row and the secret, which is shown once and never again.

    Raises:
        BadInput: if a scope is not known, none is given, or the name or the days cannot be used.
    """
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME or "\x00" in name:
        raise BadInput(f"Give the token a name of 1 to {MAX_NAME} characters.", field="name")
    if days is not None and not 0 < days <= LONGEST_DAYS:
        raise BadInput(f"A token lives 1 to {LONGEST_DAYS:,} days, or without an end.", field="days")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise BadInput(f"Choose at least one of these rights: {', '.join(SCOPES)}.", field="scopes")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = Token.objects.create(
        user=user,
        name=name,
        hint=secret[:12],
        sha256=_hash(secret),
        scopes=sorted(set(scopes)),
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    return row, secret


def revoke_token(*, token: Token) -> None:
    """Close the door for a token, for good."""
    Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def token_of(secret: str) -> Token | None:
    """Return the live token with this secret."""
    if not secret.startswith(PREFIX):
        return None
    token = Token.objects.select_related("user").filter(sha256=_hash(secret)).first()
    if token is None or not token.live or not token.user.is_active:
        return None
    now = timezone.now()
    if token.used_at is None or now - token.used_at > USED_AT_GRAIN:
        Token.objects.filter(pk=token.pk).update(used_at=now)
    return token


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def identify(request: HttpRequest) -> User | None:
    """Return who asks, by token or by session; a token that does not open the door counts as a stranger."""
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("bearer "):
        token = token_of(header[7:].strip())
        if token is None:
            return None
        request.atoll_scopes = frozenset(token.scopes)  # type: ignore[attr-defined]
        request.user = token.user
        return token.user
    return request.user if isinstance(request.user, User) else None


def require_scope(request: HttpRequest, scope: str) -> None:
    """Refuse a token without this right; a signed-in person has every right of their own.

    Raises:
        Forbidden: if the token lacks it.
    """
    scopes = getattr(request, "atoll_scopes", None)
    if scopes is not None and scope not in scopes:
        raise Forbidden(f"This token lacks the right “{scope}”. Make one that has it under Settings › Tokens.")


def reader_of(request: HttpRequest) -> User | None:
    """Return whose private things may be shown; a token without the right “read” counts as a stranger's."""
    user = identify(request)
    scopes = getattr(request, "atoll_scopes", None)
    return None if scopes is not None and "read" not in scopes else user


def why_stranger(request: HttpRequest) -> str:
    """Return why a sent token shows nothing private; empty if none was sent. It tells nothing of what was asked for."""
    if not request.headers.get("Authorization"):
        return ""
    scopes = getattr(request, "atoll_scopes", None)
    if scopes is None:
        return "The token that you sent is not known here, has expired or was revoked."
    return "" if "read" in scopes else "The token that you sent lacks the right “read”."


class BearerToken(HttpBearer):
    """A token in the header `Authorization: Bearer atoll_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return the person behind the token."""
        return identify(request)


class SignedIn(APIKeyCookie):
    """The session of a signed-in person; writes need Django's CSRF token too."""

    param_name = "sessionid"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Return the signed-in person."""
        return request.user if request.user.is_authenticated else None
