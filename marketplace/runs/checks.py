"""What can be ordered, and the sentences for what cannot."""

from __future__ import annotations

from edgetpu.devices import DEVICES
from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.runs.models import Run
from marketplace.runs.parents import Parent
from marketplace.runs.specs import spec_for
from marketplace.runs.starts import MAX_TRIALS
from search.cost import cost_of
from search.errors import LimitImpossible, SpecInvalid
from search.feasible import check_spec
from search.usual import IMAGE_PX, family_of_backbone, searchable_families

MAX_MINUTES = 7 * 24 * 60
MAX_LATENCY_MS = 1000.0
MIB = 2**20
MAX_ONCHIP_BYTES = 8 * MIB
"""On-chip memory of the Edge TPU. Source: coral.ai, "Edge TPU compiler", parameter data caching."""
MAX_FILE_BYTES = 10**9


def require_ready(owner: User, version: DatasetVersion) -> None:
    """Refuse pictures that are somebody else's or not checked yet.

    Raises:
        NotFound, Conflict: with the sentence.
    """
    if version.dataset.owner_id != owner.pk:
        raise NotFound("There is no such dataset, or it is private.")
    if version.status != DatasetVersion.Status.READY:
        raise Conflict("This dataset is not ready: wait until its check has ended, or choose another one.")


def require_usable(run: Run) -> None:
    """Refuse values of an order that no search can be run with.

    Raises:
        BadInput: naming the field.
    """
    if run.device not in DEVICES:
        raise BadInput(f"Choose one of these devices: {', '.join(DEVICES)}.", field="device")
    if not 0 < run.latency_limit_ms <= MAX_LATENCY_MS:  # also refuses "not a number"
        sentence = f"The latency limit must be more than 0 ms and at most {MAX_LATENCY_MS:g} ms."
        raise BadInput(sentence, field="latency_limit_ms")
    if not 0 < run.onchip_limit_bytes <= MAX_ONCHIP_BYTES:
        sentence = (
            f"The on-chip limit must be more than 0 and at most {MAX_ONCHIP_BYTES // MIB} MiB: the chip has no more."
        )
        raise BadInput(sentence, field="onchip_limit_bytes")
    if run.file_limit_bytes is not None and not 0 < run.file_limit_bytes <= MAX_FILE_BYTES:
        sentence = f"The file limit must be more than 0 and at most {MAX_FILE_BYTES // 1000:,} kB, or empty."
        raise BadInput(sentence, field="file_limit_bytes")
    _require_budget(run)
    if not run.parent:
        _require_space(run)


def _require_budget(run: Run) -> None:
    require_trials(run.trials_wanted)
    if run.minutes is not None and not 1 <= run.minutes <= MAX_MINUTES:
        raise BadInput(f"Allow 1 to {MAX_MINUTES:,} minutes, or leave the field empty.", field="minutes")
    if run.min_gain is not None and not 0 < run.min_gain < 1:
        raise BadInput("The least gain is a share of all pictures, more than 0 and less than 1.", field="min_gain")
    if run.goal not in Run.Goal:
        raise BadInput(f"The goal is one of {', '.join(Run.Goal)}.", field="goal")


def require_trials(trials: int) -> None:
    """Refuse a number of trials that no run may have.

    Raises:
        BadInput: naming the field.
    """
    if not 1 <= trials <= MAX_TRIALS:
        raise BadInput(f"Order 1 to {MAX_TRIALS} trials.", field="trials")


def _require_space(run: Run) -> None:
    if run.image_px not in IMAGE_PX:
        raise BadInput(f"Choose an image size of {', '.join(map(str, IMAGE_PX))} px.", field="image_px")
    known = searchable_families()
    if not run.families or any(name not in known for name in run.families):
        raise BadInput(f"Choose from these families: {', '.join(known)}.", field="families")
    if not run.backbone:
        return
    family = family_of_backbone(run.backbone)
    if family is None:
        raise BadInput("There are no such published weights. Choose others, or train from scratch.", field="backbone")
    if run.families != [family.name]:
        raise BadInput(f"These weights are for networks of {family.title} alone: choose that family.", field="families")


def require_possible(run: Run) -> None:
    """Refuse limits that no network can hold.

    Raises:
        BadInput: naming the nearest possible value.
    """
    parent = Parent.from_json(run.parent)
    if parent is not None:
        _require_room_for(run, parent)
        if run.trials_wanted == 1:
            return
    try:
        check_spec(spec_for(run))
    except LimitImpossible as error:
        raise BadInput(str(error), field=error.limit) from error
    except SpecInvalid as error:
        raise BadInput(str(error)) from error


def _require_room_for(run: Run, parent: Parent) -> None:
    """The first trial is the parent's own network: it must hold the latency limit."""
    needed_ms = cost_of(spec_for(run), parent.network).latency_ms
    if needed_ms > run.latency_limit_ms:
        raise BadInput(
            f"The network of {parent.tag} takes about {needed_ms:.2f} ms on a {DEVICES[run.device].title}, more than "
            f"your limit. Allow at least that, or order a search for a faster network.",
            field="latency_limit_ms",
        )
