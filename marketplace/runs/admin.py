"""Runs in Django's admin, to look at: only `lifecycle.py` writes their state."""

from __future__ import annotations

from django.contrib import admin

from marketplace.admin import LookOnlyAdmin
from marketplace.runs.models import Artifact, Run, Trial


@admin.register(Run)
class RunAdmin(LookOnlyAdmin):
    """Runs."""

    list_display = ("id", "owner", "dataset_version", "status", "latency_limit_ms", "device", "trials_wanted")
    list_filter = ("status", "device")
    list_select_related = ("owner", "dataset_version__dataset__owner")
    search_fields = ("owner__username", "dataset_version__dataset__name")
    date_hierarchy = "created_at"


@admin.register(Trial)
class TrialAdmin(LookOnlyAdmin):
    """Trials."""

    list_display = ("__str__", "status", "validation_accuracy", "float_accuracy", "seconds", "error")
    list_filter = ("status",)
    list_select_related = ("run",)


@admin.register(Artifact)
class ArtifactAdmin(LookOnlyAdmin):
    """Files that runs made."""

    list_display = ("name", "run", "trial", "byte_count", "sha256", "created_at")
    list_select_related = ("run__dataset_version__dataset__owner", "trial__run")
    search_fields = ("name", "sha256")
