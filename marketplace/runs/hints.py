"""What can be said of an order before it is placed: the fastest possible network, and about how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from edgetpu.devices import DEVICES
from marketplace.datasets.models import DatasetVersion
from marketplace.runs.checks import MAX_MINUTES
from marketplace.runs.progress import AFTER_SEARCH_S
from marketplace.runs.queries import mean_trial_s
from marketplace.runs.specs import spec_on
from search.errors import SearchError
from search.schedule import longer_share
from search.space import fastest
from search.spec import longest_trial_minutes
from search.usual import USUAL_FAMILY

START_S = 30
"""Start-up and tracing of a trial (shared/design/STACK.md: 8 to 30 s); training takes what the search allows it."""
DEFAULT_LIMIT_MS = 3.0


@dataclass(frozen=True, slots=True)
class Hint:
    """What the order form says while it is filled in."""

    device_title: str
    fastest_ms: float | None
    low_ms: float | None
    high_ms: float | None
    too_strict: bool
    eta_s: float
    eta_known: bool
    """Whether the time comes from earlier trials on these pictures."""
    problem: str = ""


def usable_minutes(typed: float | None) -> float | None:
    """Return minutes as far as they can be heeded while they are typed."""
    return typed if typed is not None and 1 <= typed <= MAX_MINUTES else None


def hint_for(
    *,
    version: DatasetVersion,
    device: str,
    image_px: int,
    onchip_bytes: int,
    latency_limit_ms: float,
    trials: int,
    minutes: float | None = None,
    families: Sequence[str] = (USUAL_FAMILY,),
    backbone: str = "",
) -> Hint:
    """Return the fastest network of the space for these values, and a guess of the time that the run takes."""
    spec = spec_on(
        version,
        device=device,
        image_px=image_px,
        onchip_limit_bytes=onchip_bytes,
        latency_limit_ms=latency_limit_ms if latency_limit_ms > 0 else DEFAULT_LIMIT_MS,
        trials=trials,
        minutes=minutes,
        trial_minutes=minutes and longest_trial_minutes(minutes, settings.WORKER_PROCESSES),
        families=tuple(families),
        backbone=backbone,
    )
    known_s = mean_trial_s(version, image_px, backbone)
    each_s = START_S + 60 * spec.room_minutes if known_s is None else known_s
    search_s = trials * each_s / min(trials, settings.WORKER_PROCESSES)
    longer_s = each_s * longer_share(spec.training_pictures, knows=bool(backbone))
    training_s = search_s + longer_s
    eta_s = min(training_s, 60 * minutes if minutes else training_s) + AFTER_SEARCH_S
    title = DEVICES[device].title
    try:
        _, estimate = fastest(spec)
    except SearchError as error:
        return Hint(title, None, None, None, False, eta_s, known_s is not None, str(error))
    too_strict = latency_limit_ms < estimate.ms
    return Hint(title, estimate.ms, estimate.low_ms, estimate.high_ms, too_strict, eta_s, known_s is not None)
