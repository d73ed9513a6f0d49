"""What a search can begin with: the families that have a space, and published weights that a worker has."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.conf import settings

from marketplace.devices.queries import backbones_of_workers
from marketplace.runs.models import Run
from models.backbones import BACKBONES
from models.families import FAMILIES
from search.usual import family_of_backbone

MAX_TRIALS = 200
USUAL_MINUTES, USUAL_MINUTES_WITH_WEIGHTS = 1.5, 3.5
"""Of one trial: half a minute of start-up, and one or three of training, as `SearchSpec.room_minutes` allows."""


def trials_within(minutes: float, backbone: str) -> int:
    """Return about how many trials this machine can do in so many minutes, for an order that names no number."""
    each = USUAL_MINUTES_WITH_WEIGHTS if backbone else USUAL_MINUTES
    return max(1, min(MAX_TRIALS, math.ceil(minutes * int(settings.WORKER_PROCESSES) / each)))


def families_in_words(run: Run) -> str:
    """Return what a run searches, and what its networks begin with."""
    titles = [FAMILIES[name].title if name in FAMILIES else name for name in run.families]
    backbone = BACKBONES.get(run.backbone)
    start = f", from the weights of {backbone.title}" if backbone else "" if run.parent else ", from scratch"
    return " and ".join(filter(None, (", ".join(titles[:-1]), *titles[-1:]))) + start


def backbones_to_offer() -> dict[str, str]:
    """Return the published weights that a live worker has and a search can begin with: title by name."""
    there = backbones_of_workers()
    return {
        name: backbone.title
        for name, backbone in BACKBONES.items()
        if name in there and family_of_backbone(name) is not None
    }


def usual_backbone(families: Sequence[str] = ()) -> str:
    """Return the published weights of an order that names none; empty, for none, where it names families."""
    return "" if families else next(iter(backbones_to_offer()), "")
