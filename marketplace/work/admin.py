"""Steps and events in Django's admin, to look at: only `lifecycle.py` writes a step."""

from __future__ import annotations

from django.contrib import admin

from marketplace.admin import LookOnlyAdmin
from marketplace.work.models import Event, Step


@admin.register(Step)
class StepAdmin(LookOnlyAdmin):
    """Steps."""

    list_display = ("id", "kind", "subject", "needs", "status", "worker", "attempts", "lease_until", "created_at")
    list_filter = ("status", "kind", "needs")
    search_fields = ("worker", "subject")


@admin.register(Event)
class EventAdmin(LookOnlyAdmin):
    """Events."""

    list_display = ("at", "about", "subject", "text")
    list_filter = ("about",)
    search_fields = ("text", "subject")
