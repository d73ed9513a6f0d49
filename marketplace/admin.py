"""What the apps' admin pages share."""
# mypy: allow-any-generics
# (Django's own classes take no type argument at run time.)

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class LookOnlyAdmin(admin.ModelAdmin):
    """Rows that services, workers or nobody may write: they can be looked at and removed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False
