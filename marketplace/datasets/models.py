"""Datasets and their immutable versions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from marketplace.accounts.names import is_name


class Dataset(models.Model):
    """A named collection of pictures that belongs to one person."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=39, validators=[is_name])
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="dataset_name_per_owner"),)
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


class DatasetVersion(models.Model):
    """One upload, checked, split and frozen; nothing of it changes once it is ready."""

    class Status(models.TextChoices):
        CHECKING = "checking"
        READY = "ready"
        REFUSED = "refused"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.CHECKING)
    archive_key = models.CharField(max_length=200, blank=True, help_text="Where the uploaded ZIP is stored.")
    archive_name = models.CharField(max_length=200, blank=True)
    archive_sha256 = models.CharField(max_length=64)
    archive_bytes = models.PositiveBigIntegerField()
    content_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Over every accepted picture, class and split."
    )
    manifest_key = models.CharField(
        max_length=200, blank=True, help_text="JSON: every picture, its class and its split."
    )
    sheet_key = models.CharField(
        max_length=200, blank=True, help_text="A contact sheet of some pictures of every class."
    )
    classes = models.JSONField(default=list, blank=True)
    statistics = models.JSONField(default=dict, blank=True)
    findings = models.JSONField(
        default=list, blank=True, help_text="What was noticed of single files: name, what, action."
    )
    refusal = models.TextField(blank=True, help_text="Why it was refused, and what to do.")
    created_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("dataset", "number"), name="version_number_per_dataset"),)
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"{self.dataset} version {self.number}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("datasets:version", args=[self.pk])

    @property
    def ended(self) -> bool:
        """Whether its check is over."""
        return self.status != self.Status.CHECKING

    @property
    def ready(self) -> bool:
        """Whether runs can use it."""
        return self.status == self.Status.READY
