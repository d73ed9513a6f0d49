"""The page on which a published model is trained further."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from edgetpu.devices import DEVICES
from marketplace.accounts.person import person_of
from marketplace.catalog.models import Release
from marketplace.catalog.preset_cards import IMAGENET_CLASSES
from marketplace.catalog.queries import listing_for, release_for
from marketplace.catalog.retrain_forms import RetrainForm
from marketplace.catalog.retraining import Need, need_of, order_retraining, parent_in
from marketplace.errors import BadInput, UserError
from marketplace.runs.forms import COMMON_DEVICES
from marketplace.runs.parents import Parent


@login_required
@require_http_methods(["GET", "POST"])
def retrain(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Show the form for training a release further, and place the order."""
    user = person_of(request)
    release = release_for(listing_for(user, owner, name), request.GET.get("release", "main"))
    try:
        parent = parent_in(release)
    except BadInput as error:
        return render(request, "catalog/retrain.html", {"release": release, "problem": error.sentence}, status=409)
    posted = request.method == "POST"
    form = RetrainForm(user, request.POST if posted else None, initial={"device": release.device or "devboard"})
    if posted and form.is_valid():
        try:
            run = order_retraining(owner=user, release=release, **form.cleaned_data)
        except UserError as error:
            form.refuse(error)
        else:
            return redirect("runs:page", run_id=run.pk)
    context = {
        "release": release,
        "form": form,
        "network": parent.network,
        "from_scratch": not parent.storage_key,
        "needs": needs_of(release, parent),
        "has_versions": form.fields["dataset_version"].queryset.exists(),  # type: ignore[attr-defined]
    }
    return render(request, "catalog/retrain.html", context, status=422 if posted else 200)


def needs_of(release: Release, parent: Parent) -> list[tuple[str, Need]]:
    """Return what the parent's network needs on each common device, as it is published."""
    classes = len(release.card.get("labels") or ()) or IMAGENET_CLASSES
    return [(DEVICES[key].title, need_of(parent.network, classes, key)) for key in COMMON_DEVICES]
