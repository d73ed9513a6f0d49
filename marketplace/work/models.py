"""A step of work that a worker leases, and the events that people see."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Step(models.Model):
    """One repeatable piece of work. The row is the truth; a message only wakes a worker that then claims it."""

    class Kind(models.TextChoices):
        CHECK_DATASET = "check_dataset"
        TRIAL = "trial"
        QUANTIZE = "quantize"
        COMPILE = "compile"
        VALIDATE = "validate"
        MEASURE = "measure"
        COMPILE_TRIAL = "compile_trial"
        MEASURE_TRIAL = "measure_trial"
        IMPORT = "import"

    class Status(models.TextChoices):
        WAITING = "waiting"
        LEASED = "leased"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Needs(models.TextChoices):
        """What a worker must have to take the step; also the name of the message queue."""

        CPU = "cpu"
        COMPILER = "compiler"
        DEVICE = "device"

    kind = models.CharField(max_length=20, choices=Kind)
    subject = models.PositiveBigIntegerField(
        help_text="Id of the dataset version, trial, run or import that it works on."
    )
    needs = models.CharField(max_length=10, choices=Needs, default=Needs.CPU)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    rank = models.PositiveIntegerField(default=0, help_text="Among waiting steps the lowest goes first.")
    worker = models.CharField(max_length=120, blank=True)
    fence = models.PositiveIntegerField(default=0, help_text="Grows with every lease; an older holder cannot write.")
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "subject"), name="one_step_per_subject"),)
        indexes = (models.Index(fields=("status", "needs", "rank"), name="claimable_steps"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}: {self.status}"


class Event(models.Model):
    """Something that happened to a run, a dataset or an import: a line of the user's timeline."""

    class About(models.TextChoices):
        DATASET = "dataset"
        RUN = "run"
        IMPORT = "import"

    about = models.CharField(max_length=10, choices=About)
    subject = models.PositiveBigIntegerField()
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField()

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("about", "subject"), name="events_of_a_subject"),)

    def __str__(self) -> str:
        return self.text
