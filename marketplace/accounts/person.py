"""Who a request comes from, where a stranger cannot come."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from marketplace.accounts.models import User


def person_of(request: HttpRequest) -> User:
    """Return who is signed in, or whose token came with the request.

    Raises:
        PermissionDenied: for a stranger; `login_required` and the API's authentication let none come so far.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
