"""What every page shows of the catalogue."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def unread_notices(request: HttpRequest) -> dict[str, Any]:
    """Give templates the number of notices that this person has not read."""
    if not request.user.is_authenticated:
        return {"unread_notice_count": 0}
    return {"unread_notice_count": request.user.notices.filter(read_at=None).count()}
