"""Pages of runs: the list, the order, the run itself, its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from marketplace.accounts.person import person_of
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import UserError
from marketplace.runs import services
from marketplace.runs.downloads import answer_artifact
from marketplace.runs.forms import COMMON_DEVICES, DEFAULT_TRIALS, OrderForm, default_px, onchip_bytes
from marketplace.runs.hints import hint_for, usable_minutes
from marketplace.runs.models import Run
from marketplace.runs.pages import changed_pieces, marks_of, pieces_of
from marketplace.runs.queries import artifact_of, overview_of, ready_versions_of, run_of, runs_of
from marketplace.runs.starts import MAX_TRIALS, usual_backbone
from models.backbones import BACKBONES, USUAL_BACKBONE
from search.usual import USUAL_FAMILY

PAGE_LENGTH = 30
ADVANCED = ("family", "onchip_limit_mib", "file_limit_kb", "end_early")
"""Fields of the order that are folded away while nobody needs them."""


@login_required
@require_GET
def run_list(request: HttpRequest) -> HttpResponse:
    """Show a person's runs, the newest first."""
    page = Paginator(runs_of(person_of(request)), PAGE_LENGTH).get_page(request.GET.get("page"))
    return render(request, "runs/list.html", {"page": page})


@login_required
@require_http_methods(["GET", "POST"])
def order(request: HttpRequest) -> HttpResponse:
    """Show the order form, and place the order."""
    user = person_of(request)
    if request.method == "GET":
        versions = ready_versions_of(user)
        wanted = request.GET.get("dataset", "")
        version = (versions.filter(pk=wanted).first() if wanted.isdigit() else None) or versions.first()
        return _show_order(request, OrderForm(user, initial=_initial(version, request)))
    form = OrderForm(user, request.POST)
    if form.is_valid():
        try:
            run = services.order_run(owner=user, **form.order())
        except UserError as error:
            form.refuse(error)
        else:
            return redirect("runs:page", run_id=run.pk)
    return _show_order(request, form, status=422)


def _initial(version: DatasetVersion | None, request: HttpRequest) -> dict[str, object]:
    """Return what the form begins with; a link may name the dataset, the family and the start."""
    named = {name: request.GET[name] for name in ("family", "start") if name in request.GET}
    start = "" if "family" in named else named.get("start", usual_backbone())
    image_px = default_px(version, pretrained=bool(start))
    return {"dataset_version": version, "image_px": image_px, **named, "start": start}


def _show_order(request: HttpRequest, form: OrderForm, status: int = 200) -> HttpResponse:
    common: list[Any] = []
    others: list[Any] = []
    for radio in form["device"].subwidgets:
        (common if radio.data["value"] in COMMON_DEVICES else others).append(radio)
    chosen_other = form["device"].value() not in COMMON_DEVICES
    context = {"form": form, "common": common, "others": others, "chosen_other": chosen_other}
    context["usual_file"] = BACKBONES[USUAL_BACKBONE].file_name
    context["backbones"] = len(form.fields["start"].choices) > 1  # type: ignore[attr-defined]
    usual = form["family"].value() in (USUAL_FAMILY, None)
    context["advanced_open"] = not usual or any(form[name].errors for name in ADVANCED)
    context["has_versions"] = form.fields["dataset_version"].queryset.exists()  # type: ignore[attr-defined]
    return render(request, "runs/order.html", context, status=status)


@require_GET
def hint(request: HttpRequest) -> HttpResponse:
    """Say what the order that is being typed could give; nothing while it cannot be understood."""
    if not request.user.is_authenticated:
        return _load_anew()
    form = OrderForm(person_of(request), request.GET)
    form.is_valid()
    typed = form.cleaned_data
    if not all(typed.get(name) is not None for name in ("dataset_version", "device", "image_px")):
        return HttpResponse("")
    found = hint_for(
        version=typed["dataset_version"],
        device=typed["device"],
        image_px=typed["image_px"],
        onchip_bytes=max(1, onchip_bytes(typed.get("onchip_limit_mib") or 1.0)),
        latency_limit_ms=typed.get("latency_limit_ms") or 0.0,
        trials=min(max(typed.get("trials") or DEFAULT_TRIALS, 1), MAX_TRIALS),
        minutes=usable_minutes(typed.get("minutes")),
        backbone=typed.get("start") or "",
        families=form.families,
    )
    return render(request, "runs/_hint.html", {"hint": found})


@login_required
@require_safe
@never_cache
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show a run."""
    run = run_of(person_of(request), run_id)
    pieces = pieces_of(overview_of(run), request)
    return render(request, "runs/run.html", {"run": run, "pieces": pieces, "marks": marks_of(pieces)})


@require_GET
@never_cache
def live(request: HttpRequest, run_id: int) -> HttpResponse:
    """Give an open page the pieces that it lacks; 204 where nothing changed."""
    if not request.user.is_authenticated:
        return _load_anew()
    run = run_of(person_of(request), run_id)
    pieces = pieces_of(overview_of(run), request)
    changed = changed_pieces(pieces, request.GET.get("seen", ""))
    if not changed:
        return HttpResponse(status=204)
    return render(request, "runs/_live.html", {"run": run, "changed": changed, "marks": marks_of(pieces)})


def _load_anew() -> HttpResponse:
    """Have a page whose person is no longer signed in loaded again, which leads to the sign-in."""
    return HttpResponse(headers={"HX-Refresh": "true"})


@login_required
@require_POST
def stop(request: HttpRequest, run_id: int) -> HttpResponse:
    """Start no further trial, keep the best."""
    return _act(request, run_id, lambda run: services.stop_run(run=run), "No further trial starts; the best is kept.")


@login_required
@require_POST
def add_trials(request: HttpRequest, run_id: int) -> HttpResponse:
    """Go on searching in a run that is done."""
    trials = _typed_number(request, "trials")
    return _act(request, run_id, lambda run: services.add_trials(run=run, trials=trials), "The search goes on.")


@login_required
@require_POST
def choose(request: HttpRequest, run_id: int) -> HttpResponse:
    """Make the files of another network of a run that is done."""
    number = _typed_number(request, "trial")
    sentence = f"The files of trial {number} are being made."
    return _act(request, run_id, lambda run: services.choose_trial(run=run, number=number), sentence)


@login_required
@require_POST
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Drop the run."""
    return _act(request, run_id, lambda run: services.cancel_run(run=run), "The run is cancelled.")


def _typed_number(request: HttpRequest, name: str) -> int:
    """Return a whole number that was typed; 0, which services refuse in words, for anything else."""
    typed = request.POST.get(name, "")
    return int(typed) if typed.isdecimal() and len(typed) < 6 else 0


def _act(request: HttpRequest, run_id: int, act: Callable[[Run], None], sentence: str) -> HttpResponse:
    run = run_of(person_of(request), run_id)
    try:
        act(run)
        messages.success(request, sentence)
    except UserError as error:
        messages.error(request, error.sentence)
    return redirect(reverse("runs:page", args=[run.pk]))


@login_required
@require_safe
def file(request: HttpRequest, run_id: int, name: str) -> HttpResponseBase:
    """Give the owner a file of a run."""
    return answer_artifact(request, artifact_of(run_of(person_of(request), run_id), name))
