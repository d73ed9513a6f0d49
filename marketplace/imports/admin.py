"""Models brought along, in Django's admin, to look at."""

from __future__ import annotations

from django.contrib import admin

from marketplace.admin import LookOnlyAdmin
from marketplace.imports.models import Import


@admin.register(Import)
class ImportAdmin(LookOnlyAdmin):
    """Imports."""

    list_display = ("id", "owner", "name", "status", "file_name", "file_bytes", "format", "created_at")
    list_filter = ("status", "format", "kind")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username", "file_name", "file_sha256")
