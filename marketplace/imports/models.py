"""Models that people bring along, and the files that were made of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from marketplace.accounts.names import is_name
from marketplace.datasets.models import DatasetVersion


class Import(models.Model):
    """One model file that somebody brought along, and what became of it."""

    class Status(models.TextChoices):
        WORKING = "working"
        READY = "ready"
        REFUSED = "refused"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports")
    name = models.CharField(max_length=39, validators=[is_name])
    status = models.CharField(max_length=10, choices=Status, default=Status.WORKING)
    file_name = models.CharField(max_length=200, help_text="What its owner calls the file.")
    file_key = models.CharField(max_length=200, blank=True, help_text="Where the uploaded file is stored.")
    file_sha256 = models.CharField(max_length=64)
    file_bytes = models.PositiveBigIntegerField()
    dataset_version = models.ForeignKey(
        DatasetVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="imports"
    )
    dataset_facts = models.JSONField(default=dict, blank=True, help_text="Name, version and hash, for ever.")
    pixels = models.CharField(max_length=10, default="auto", help_text="A key of models.pixels.RANGES, or “auto”.")
    device = models.CharField(max_length=40, help_text="A key of edgetpu.devices.DEVICES.")
    labels = models.JSONField(default=list, blank=True, help_text="Names of the answers, in their order.")
    kind = models.CharField(max_length=10, blank=True, help_text="float, quantized or compiled, when it came.")
    format = models.CharField(max_length=20, blank=True, help_text="A value of models.foreign.format.Format.")
    preprocessing = models.CharField(max_length=200, blank=True, help_text="How a pixel becomes the input, in words.")
    notes = models.JSONField(default=list, blank=True, help_text="Sentences on what was found out or left out.")
    estimate = models.JSONField(default=dict, blank=True, help_text="As a run's, and the time on every device.")
    quantization = models.JSONField(default=dict, blank=True, help_text="As a run's.")
    compilation = models.JSONField(default=dict, blank=True, help_text="As a run's.")
    validation = models.JSONField(default=dict, blank=True, help_text="As a run's.")
    refusal = models.TextField(blank=True, help_text="Why it was refused, and what to do.")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.owner}'s {self.name}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("imports:page", args=[self.pk])

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status != self.Status.WORKING

    @property
    def used_dataset(self) -> bool:
        """Whether it was calibrated or judged with the chosen dataset."""
        return bool(self.dataset_facts) and (self.kind == "float" or bool(self.validation))

    @property
    def ready(self) -> bool:
        """Whether it was opened and described."""
        return self.status == self.Status.READY


class ImportFile(models.Model):
    """A file of an import: the one that came, or one that was made of it."""

    brought = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    byte_count = models.PositiveBigIntegerField()
    storage_key = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("brought", "name"), name="file_name_per_import"),)

    def __str__(self) -> str:
        return self.name
