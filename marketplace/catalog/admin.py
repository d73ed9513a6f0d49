"""Listings and releases in Django's admin."""
# mypy: allow-any-generics

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from marketplace.admin import LookOnlyAdmin
from marketplace.catalog.models import Listing, Release, ReleaseFile


@admin.register(Listing)
class ListingAdmin(admin.ModelAdmin):
    """Listings; a new one comes with its first release."""

    list_display = ("__str__", "title", "private", "licence", "download_count", "updated_at")
    list_filter = ("private", "licence")
    list_select_related = ("owner",)
    search_fields = ("name", "title", "owner__username")
    readonly_fields = ("owner", "name", "download_count", "created_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no."""
        return False


class FilesInline(admin.TabularInline):
    """The files of a release."""

    model = ReleaseFile
    fields = readonly_fields = ("name", "byte_count", "sha256")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: a release never changes."""
        return False


@admin.register(Release)
class ReleaseAdmin(LookOnlyAdmin):
    """Releases."""

    list_display = ("__str__", "revision", "int8_accuracy", "latency_ms", "latency_measured", "device", "created_at")
    list_filter = ("device", "latency_measured")
    list_select_related = ("listing__owner",)
    search_fields = ("listing__name", "listing__owner__username", "revision")
    inlines = (FilesInline,)
