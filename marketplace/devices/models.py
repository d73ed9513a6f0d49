"""The machines that work for this site, and what each of them can do."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

LIVE_FOR = timedelta(seconds=30)
"""A worker that was silent for longer counts as gone."""


class WorkerNode(models.Model):
    """A worker that has announced itself."""

    name = models.CharField(max_length=120, unique=True)
    compiler = models.CharField(max_length=80, blank=True, help_text="Version of edgetpu_compiler; empty without one.")
    edge_tpus = models.JSONField(default=list, blank=True, help_text="Attached Edge TPUs: link and path of each.")
    backbones = models.JSONField(default=list, blank=True, help_text="Names of the published weights it has.")
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def live(self) -> bool:
        """Whether it was heard of lately."""
        return self.seen_at > timezone.now() - LIVE_FOR
