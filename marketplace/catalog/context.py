"""What every page shows of the catalogue."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from marketplace.accounts.models import User
from marketplace.catalog.queries import notices_for


def unread_notices(request: HttpRequest) -> dict[str, Any]:
    """Give templates the number of notices that this person has not read."""
    user = getattr(request, "user", None)  # an error page may be rendered before anybody was recognised
    if not isinstance(user, User):
        return {"unread_notice_count": 0}
    return {"unread_notice_count": notices_for(user).filter(read_at=None).count()}
