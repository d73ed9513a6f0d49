"""Models that people publish, the releases of each, and who wants to hear of the next one."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from marketplace.accounts.names import is_name
from marketplace.runs.models import Run


class Listing(models.Model):
    """A model in the marketplace, at /{owner}/{name}."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="listings")
    name = models.CharField(max_length=39, validators=[is_name])
    title = models.CharField(max_length=120)
    summary = models.TextField(max_length=2000, blank=True)
    licence = models.CharField(max_length=40, default="apache-2.0")
    private = models.BooleanField(default=False)
    latest = models.ForeignKey(
        "Release", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    download_count = models.PositiveBigIntegerField(default=0, help_text="Files fetched, of every release.")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-updated_at",)
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="listing_name_per_owner"),)

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


class Release(models.Model):
    """A published version of a listing; nothing of it ever changes."""

    class Kind(models.TextChoices):
        TRAINED = "trained"
        PRESET = "preset"
        IMPORTED = "imported"

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="releases")
    number = models.PositiveIntegerField()
    revision = models.CharField(max_length=40, help_text="Follows from the names and hashes of its files and its card.")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.TRAINED, help_text="How it came to be.")
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="releases")
    card = models.JSONField(default=dict)
    notes = models.TextField(max_length=4000, blank=True)
    # Taken from the card, so that people can search and sort by them; empty where the card does not know.
    int8_accuracy = models.FloatField(null=True, blank=True, help_text="On the test split, 0 to 1.")
    latency_ms = models.FloatField(null=True, blank=True)
    latency_measured = models.BooleanField(default=False)
    device = models.CharField(max_length=40, blank=True, help_text="A key of edgetpu.latency.DEVICES.")
    parameter_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    streamed_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    cpu_op_count = models.PositiveIntegerField(null=True, blank=True, help_text="Ops that stay on the CPU.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(fields=("listing", "number"), name="release_number_per_listing"),
            models.UniqueConstraint(fields=("listing", "revision"), name="release_revision_per_listing"),
        )

    def __str__(self) -> str:
        return f"{self.listing} v{self.number}"

    @property
    def tag(self) -> str:
        """How addresses name it."""
        return f"v{self.number}"


class ReleaseFile(models.Model):
    """One file of a release."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    byte_count = models.PositiveBigIntegerField()
    storage_key = models.CharField(max_length=200)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("release", "name"), name="file_name_per_release"),)

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """Somebody who wants to hear of the next release."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions")
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="subscriptions")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "listing"), name="subscribed_once"),)

    def __str__(self) -> str:
        return f"{self.user} → {self.listing}"


class Notice(models.Model):
    """A release that a subscriber should hear of."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="notices")
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (models.UniqueConstraint(fields=("user", "release"), name="noticed_once"),)

    def __str__(self) -> str:
        return f"{self.user}: {self.release}"
