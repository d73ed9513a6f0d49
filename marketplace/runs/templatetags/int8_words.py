"""What int8 changed, for templates."""

from __future__ import annotations

from django import template

from marketplace.runs.int8_changes import Int8Changes, int8_changes
from marketplace.runs.models import Run

register = template.Library()


@register.filter
def int8_changes_of(run: Run) -> Int8Changes | None:
    """Return what int8 changed of the network that a run found."""
    return int8_changes(run.quantization, run.validation)
