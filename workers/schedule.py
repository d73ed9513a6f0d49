"""What happens by the clock."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from marketplace import queue

SCHEDULE: dict[str, dict[str, Any]] = {
    "reap": {
        "task": queue.REAP,
        "schedule": float(settings.REAP_EVERY_S),
        # A look that no worker had time for is worth nothing: the next one follows.
        "options": {"expires": settings.REAP_EVERY_S, "queue": "cpu"},
    },
}
