"""Workers in Django's admin."""

from __future__ import annotations

from django.contrib import admin

from marketplace.admin import LookOnlyAdmin
from marketplace.devices.models import WorkerNode


@admin.register(WorkerNode)
class WorkerNodeAdmin(LookOnlyAdmin):
    """Workers that announced themselves."""

    list_display = ("name", "compiler", "edge_tpus", "started_at", "seen_at")
    search_fields = ("name",)
