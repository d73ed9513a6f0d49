"""Datasets in Django's admin."""
# mypy: allow-any-generics

from __future__ import annotations

from django.contrib import admin

from marketplace.admin import LookOnlyAdmin
from marketplace.datasets.models import Dataset, DatasetVersion


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):
    """Datasets."""

    list_display = ("__str__", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username")
    readonly_fields = ("owner", "created_at")


@admin.register(DatasetVersion)
class DatasetVersionAdmin(LookOnlyAdmin):
    """Versions; they are frozen."""

    list_display = ("__str__", "status", "archive_name", "archive_bytes", "created_at", "checked_at")
    list_filter = ("status",)
    list_select_related = ("dataset__owner",)
    search_fields = ("dataset__name", "dataset__owner__username", "archive_name", "content_sha256")
