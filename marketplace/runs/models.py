"""Ordered searches, the architectures that they tried, and the files that they made."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from marketplace.datasets.models import DatasetVersion
from search.correction import MEASURED
from search.usual import USUAL_FAMILY


def default_families() -> list[str]:
    """Return the families of a run that named none."""
    return [USUAL_FAMILY]


class Run(models.Model):
    """A search that somebody ordered."""

    class Goal(models.TextChoices):
        TARGET = "target", "The most accurate network within the limit"
        FRONT = "front", "The best network for every latency up to the limit"

    class Status(models.TextChoices):
        QUEUED = "queued"
        SEARCHING = "searching"
        QUANTIZING = "quantizing"
        COMPILING = "compiling"
        VALIDATING = "validating"
        MEASURING = "measuring"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="runs")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="runs")
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    latency_limit_ms = models.FloatField()
    device = models.CharField(max_length=40, help_text="A key of edgetpu.latency.DEVICES.")
    onchip_limit_bytes = models.PositiveBigIntegerField()
    file_limit_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Of the int8 file, by estimate; empty for any size."
    )
    image_px = models.PositiveIntegerField()
    trials_wanted = models.PositiveIntegerField()
    minutes = models.FloatField(null=True, blank=True, help_text="The search, with its last training, ends about then.")
    min_gain = models.FloatField(
        null=True, blank=True, help_text="No further trial starts when it is expected to gain less accuracy, 0 to 1."
    )
    goal = models.CharField(max_length=8, choices=Goal, default=Goal.TARGET)
    families = models.JSONField(default=default_families, help_text="Keys of models.families.FAMILIES.")
    backbone = models.CharField(
        max_length=80, blank=True, help_text="Published weights that networks begin with; empty: from scratch."
    )
    parent_release = models.ForeignKey(
        "catalog.Release",
        on_delete=models.SET_NULL,  # nobody is kept from deleting a model because others trained it further
        null=True,
        blank=True,
        related_name="children",
    )
    parent = models.JSONField(
        default=dict, blank=True, help_text="What the parent was when the run was ordered, its stored file too."
    )
    seed = models.PositiveIntegerField(default=0)
    stop_requested = models.BooleanField(default=False, help_text="No further trial; keep the best so far.")
    best_trial = models.ForeignKey("Trial", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    estimate = models.JSONField(
        default=dict, blank=True, help_text="Ops, bytes and latency estimated from the int8 file."
    )
    quantization = models.JSONField(default=dict, blank=True, help_text="Input and output types, scales, zero points.")
    compilation = models.JSONField(default=dict, blank=True, help_text="state, sentence, compiler version, report.")
    validation = models.JSONField(default=dict, blank=True, help_text="Float and int8 figures on the test split.")
    networks_tested = models.PositiveIntegerField(
        default=0,
        help_text="How many networks of this run its test split has judged; more than 1 where trials were added.",
    )
    measurement = models.JSONField(default=dict, blank=True, help_text="Measured latency: device, link, clock, runs.")
    failure = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"run {self.pk} on {self.dataset_version}"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in (self.Status.DONE, self.Status.FAILED, self.Status.CANCELLED)


class Trial(models.Model):
    """An architecture tried."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        SKIPPED = "skipped"
        CANCELLED = "cancelled"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    architecture = models.JSONField(default=dict, blank=True)
    architecture_key = models.CharField(max_length=64, blank=True)
    estimate = models.JSONField(
        default=dict, blank=True, help_text="latency_ms, low_ms, high_ms, bytes, macs, parameters."
    )
    proposal = models.JSONField(
        default=dict, blank=True, help_text="Why it is tried: reason, expected_gain, predicted_accuracy, predicted_sd."
    )
    metrics = models.JSONField(default=dict, blank=True)
    compilation = models.JSONField(
        default=dict, blank=True, help_text="What Coral's compiler said of the int8 network; empty if it was not asked."
    )
    measurement = models.JSONField(
        default=dict, blank=True, help_text="What an Edge TPU took for it: device, link, clock, runs."
    )
    validation_accuracy = models.FloatField(null=True, blank=True, help_text="int8, on the validation split, 0 to 1.")
    float_accuracy = models.FloatField(null=True, blank=True, help_text="float, on the validation split, 0 to 1.")
    seconds = models.FloatField(null=True, blank=True)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=("run", "number"), name="trial_number_per_run"),
            models.UniqueConstraint(
                fields=("run", "architecture_key"),
                condition=~models.Q(architecture_key=""),
                name="architecture_tried_once_per_run",
            ),
        )

    def __str__(self) -> str:
        return f"trial {self.number} of run {self.run_id}"

    @property
    def worth(self) -> tuple[float, float, float]:
        """What trials are ranked by, larger is better: accuracy in int8, then in float, then speed."""
        latency_ms = self.estimate.get("latency_ms")
        speed = -latency_ms if isinstance(latency_ms, int | float) else float("-inf")
        return self.validation_accuracy or 0.0, self.float_accuracy or 0.0, speed

    @property
    def measured_ms(self) -> float | None:
        """What an Edge TPU took for its network, median, whatever its link; None where none has measured it."""
        return self.measurement["p50_ms"] if self.measurement.get("state") == MEASURED else None


class Artifact(models.Model):
    """A file that a run made; its bytes never change."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="artifacts")
    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, null=True, blank=True, related_name="artifacts")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    byte_count = models.PositiveBigIntegerField()
    storage_key = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("run", "name"), condition=models.Q(trial=None), name="artifact_name_per_run"
            ),
            models.UniqueConstraint(
                fields=("trial", "name"), condition=models.Q(trial__isnull=False), name="artifact_name_per_trial"
            ),
        )

    def __str__(self) -> str:
        return self.name
