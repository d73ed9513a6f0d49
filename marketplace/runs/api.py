"""What programs may do here: order runs, watch them, stop or cancel them, fetch what they made."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Field, Router, Schema, Status
from pydantic import ConfigDict

from marketplace.accounts.models import User
from marketplace.accounts.person import person_of
from marketplace.accounts.tokens import require_scope
from marketplace.catalog.retraining import order_retraining, release_named
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput
from marketplace.runs import services, shapes
from marketplace.runs.downloads import answer_artifact
from marketplace.runs.forms import DEFAULT_ONCHIP_MIB, DEFAULT_TRIALS, default_px, onchip_bytes
from marketplace.runs.hints import usable_minutes
from marketplace.runs.models import Run
from marketplace.runs.queries import artifact_of, overview_of, ready_versions_of, run_of, runs_of
from marketplace.runs.starts import trials_within, usual_backbone
from marketplace.work.models import Event
from marketplace.work.queries import events_of

router = Router()

PAGE_LENGTH = 50
LONGEST_PAGE = 200


class Order(Schema):
    """What is asked of a search. A key that is not known is refused: it might be a mistyped limit."""

    model_config = ConfigDict(extra="forbid")

    dataset_version: int
    latency_limit_ms: float | None = None
    """Needed unless there is a parent: then it is what the parent's network needs."""
    device: str = "devboard"
    onchip_limit_bytes: int = onchip_bytes(DEFAULT_ONCHIP_MIB)
    file_limit_bytes: int | None = None
    """Of the int8 file, by estimate."""
    trials: int | None = None
    """8 unless said otherwise, with minutes as many as they allow; 1 with a parent."""
    minutes: float | None = None
    min_gain: float | None = None
    """No further trial starts when it is expected to gain less accuracy, 0 to 1."""
    goal: str = Run.Goal.TARGET.value
    families: list[str] = []
    backbone: str | None = None
    """Published weights to begin with; by default those that a worker has, unless families are named. Empty: from
    scratch."""
    parent: str = ""
    """A published model to train further: owner/name, or owner/name@v2."""
    image_px: int | None = None
    seed: int | None = Field(None, ge=0, lt=2**31)


class MoreTrials(Schema):
    """How many trials to add."""

    model_config = ConfigDict(extra="forbid")

    trials: int


class Chosen(Schema):
    """Which network of a run files are made of."""

    model_config = ConfigDict(extra="forbid")

    trial: int
    """Its number in the run."""


@router.post("", response={202: dict[str, Any]})
def order_run(request: HttpRequest, response: HttpResponse, order: Order) -> Any:
    """Order a search on a dataset version of yours (right `runs:write`); `Location` leads to the run."""
    require_scope(request, "runs:write")
    user = person_of(request)
    version = ready_versions_of(user).filter(pk=order.dataset_version).first()
    if version is None:
        raise BadInput("You have no dataset version of this number that is ready.", field="dataset_version")
    run = (_retraining if order.parent else _search)(user, version, order)
    response["Location"] = f"/api/runs/{run.pk}"
    return Status(202, shapes.full(overview_of(run)))


def _search(user: User, version: DatasetVersion, order: Order) -> Run:
    given = {"dataset_version", "image_px", "parent", "latency_limit_ms", "trials", "backbone"}
    backbone = usual_backbone(order.families) if order.backbone is None else order.backbone
    if order.latency_limit_ms is None:
        raise BadInput("Say the latency limit in milliseconds, for example 2.5.", field="latency_limit_ms")
    return services.order_run(
        owner=user,
        dataset_version=version,
        latency_limit_ms=order.latency_limit_ms,
        trials=_trials(order, backbone),
        image_px=order.image_px or default_px(version, pretrained=bool(backbone)),
        backbone=backbone,
        **order.dict(exclude=given),
    )


def _trials(order: Order, backbone: str) -> int:
    if order.trials is not None:
        return order.trials
    minutes = usable_minutes(order.minutes)
    return DEFAULT_TRIALS if minutes is None else trials_within(minutes, backbone)


def _retraining(user: User, version: DatasetVersion, order: Order) -> Run:
    for name in ("image_px", "families", "backbone", "minutes", "min_gain", "file_limit_bytes"):
        if getattr(order, name):
            raise BadInput("A parent decides this itself: leave it out.", field=name)
    return order_retraining(
        owner=user,
        release=release_named(user, order.parent),
        dataset_version=version,
        device=order.device,
        trials=1 if order.trials is None else order.trials,
        latency_limit_ms=order.latency_limit_ms,
        onchip_limit_bytes=order.onchip_limit_bytes,
        seed=order.seed,
    )


@router.get("")
def list_runs(
    request: HttpRequest, response: HttpResponse, limit: int = PAGE_LENGTH, before: int | None = None
) -> dict[str, Any]:
    """Return your runs, newest first (right `read`); the header `Link` leads to the next page."""
    require_scope(request, "read")
    length = min(max(limit, 1), LONGEST_PAGE)
    found = runs_of(person_of(request)).order_by("-pk")
    page = list((found.filter(pk__lt=before) if before else found)[: length + 1])
    if len(page) > length:
        address = request.build_absolute_uri(request.path)
        response["Link"] = f'<{address}?limit={length}&before={page[length - 1].pk}>; rel="next"'
    return {"items": [shapes.brief(run) for run in page[:length]]}


@router.get("/{int:run_id}")
def read_run(request: HttpRequest, run_id: int) -> dict[str, Any]:
    """Return a run of yours: how far it is, its leaderboard, what it found, its files (right `read`)."""
    require_scope(request, "read")
    return shapes.full(overview_of(run_of(person_of(request), run_id)))


@router.post("/{int:run_id}/trials", response={202: dict[str, Any]})
def add_trials(request: HttpRequest, run_id: int, more: MoreTrials) -> Any:
    """Go on searching in a run that is done (right `runs:write`)."""
    run = _run_to_change(request, run_id)
    services.add_trials(run=run, trials=more.trials)
    return Status(202, shapes.full(overview_of(run_of(run.owner, run_id))))


@router.post("/{int:run_id}/choose", response={202: dict[str, Any]})
def choose_trial(request: HttpRequest, run_id: int, chosen: Chosen) -> Any:
    """Make the files of another network of a run that is done (right `runs:write`)."""
    run = _run_to_change(request, run_id)
    services.choose_trial(run=run, number=chosen.trial)
    return Status(202, shapes.full(overview_of(run_of(run.owner, run_id))))


@router.post("/{int:run_id}/stop", response={202: dict[str, Any]})
def stop_run(request: HttpRequest, run_id: int) -> Any:
    """Start no further trial and finish with the best so far (right `runs:write`)."""
    run = _run_to_change(request, run_id)
    services.stop_run(run=run)
    return Status(202, shapes.full(overview_of(run_of(run.owner, run_id))))


@router.post("/{int:run_id}/cancel", response={202: dict[str, Any]})
def cancel_run(request: HttpRequest, run_id: int) -> Any:
    """Drop a run: nothing comes out of it (right `runs:write`)."""
    run = _run_to_change(request, run_id)
    services.cancel_run(run=run)
    return Status(202, shapes.full(overview_of(run_of(run.owner, run_id))))


@router.get("/{int:run_id}/events")
def list_events(request: HttpRequest, run_id: int, after: int = 0) -> dict[str, Any]:
    """Return what happened to a run, oldest first; `after` leaves out what you have seen (right `read`)."""
    require_scope(request, "read")
    run = run_of(person_of(request), run_id)
    return {"items": [shapes.event(row) for row in events_of(Event.About.RUN, run.pk).filter(pk__gt=after)]}


@router.get("/{int:run_id}/files/{name}")
def read_file(request: HttpRequest, run_id: int, name: str) -> HttpResponseBase:
    """Return a file of a run (right `read`)."""
    require_scope(request, "read")
    return answer_artifact(request, artifact_of(run_of(person_of(request), run_id), name))


def _run_to_change(request: HttpRequest, run_id: int) -> Run:
    require_scope(request, "runs:write")
    return run_of(person_of(request), run_id)
