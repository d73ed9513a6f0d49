"""What people may see of their tokens."""

from __future__ import annotations

from django.db.models import QuerySet

from marketplace.accounts.models import Token, User
from marketplace.errors import NotFound


def tokens_of(user: User) -> QuerySet[Token]:
    """Return somebody's tokens, newest first, the revoked ones too."""
    return user.tokens.order_by("-created_at", "-pk")


def token_for(user: User, token_id: int) -> Token:
    """Return one of somebody's tokens.

    Raises:
        NotFound: if it is not theirs.
    """
    token = user.tokens.filter(pk=token_id).first()
    if token is None:
        raise NotFound("There is no such token among yours.")
    return token
