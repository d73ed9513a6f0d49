"""Datasets in Django's admin. A version is frozen, so it can only be looked at or removed."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from marketplace.datasets.models import Dataset, DatasetVersion


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin[Dataset]):
    """Datasets."""

    list_display = ("__str__", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username")
    readonly_fields = ("owner", "created_at")


@admin.register(DatasetVersion)
class DatasetVersionAdmin(admin.ModelAdmin[DatasetVersion]):
    """Versions."""

    list_display = ("__str__", "status", "archive_name", "archive_bytes", "created_at", "checked_at")
    list_filter = ("status",)
    list_select_related = ("dataset__owner",)
    search_fields = ("dataset__name", "dataset__owner__username", "archive_name", "content_sha256")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: people upload them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Say no: a version is frozen."""
        return False
