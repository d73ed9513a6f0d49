"""Pages of the catalogue, and the address that files are fetched from."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from edgetpu.devices import DEVICES
from marketplace.accounts.models import User
from marketplace.accounts.person import person_of
from marketplace.catalog import services
from marketplace.catalog.asking import listing_asked_for
from marketplace.catalog.downloads import answer_download
from marketplace.catalog.errors import HubNotFound
from marketplace.catalog.forms import ListingForm, PublicationForm, SearchForm
from marketplace.catalog.models import Listing, Release
from marketplace.catalog.queries import (
    children_of,
    file_for,
    listing_for,
    notice_for,
    notices_for,
    own_listing,
    parent_of,
    person_named,
    public_file,
    release_for,
    run_to_publish,
    subscribed,
    visible_listings,
)
from marketplace.catalog.retraining import CHECKPOINT, can_be_retrained, family_to_search
from marketplace.catalog.showing import card_view, file_rows, retrain_script
from marketplace.errors import BadInput, Conflict
from marketplace.middleware import problem

MODELS_ON_A_PAGE = 24
NOTICES_ON_A_PAGE = 50
CHILDREN_SHOWN = 20
DEVICE_TITLES = {key: profile.title for key, profile in DEVICES.items()}


@require_safe
def download(request: HttpRequest, owner: str, name: str, revision: str, file_name: str) -> HttpResponseBase:
    """Give a file of a release, to a browser, to curl or to a hub client."""
    public = public_file(owner, name, revision, file_name)
    if public is not None:
        return answer_download(request, public.release, public, revision)
    try:
        release = release_for(listing_asked_for(request, owner, name), revision)
        return answer_download(request, release, file_for(release, file_name), revision)
    except HubNotFound as error:
        answer = problem(request, error)
        answer["X-Error-Code"] = error.hub_code
        return answer


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show the models that the asker may see."""
    form = SearchForm(request.GET or None, devices=DEVICE_TITLES)
    wanted = form.wanted if form.is_bound else {}
    found = visible_listings(_asker(request), **({"sort": "people"} | wanted))
    page = Paginator(found, MODELS_ON_A_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {"form": form, "page": page, "wanted": wanted, "query": query.urlencode(), "devices": DEVICE_TITLES}
    return render(request, "catalog/catalogue.html", context)


@require_safe
def person(request: HttpRequest, owner: str) -> HttpResponse:
    """Show a person's models that the asker may see."""
    someone = person_named(owner)
    found = visible_listings(_asker(request), owner=someone.username)
    page = Paginator(found, MODELS_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "catalog/person.html", {"someone": someone, "page": page, "devices": DEVICE_TITLES})


@require_safe
def without_slash(request: HttpRequest, owner: str, name: str = "") -> HttpResponse:
    """Lead from an address with a slash too many to the one without."""
    return redirect("catalog:listing", owner, name) if name else redirect("catalog:person", owner)


@require_safe
def listing(request: HttpRequest, owner: str, name: str, revision: str = "main") -> HttpResponse:
    """Show a release of a model, the newest unless the address names one."""
    user = _asker(request)
    found = listing_for(user, owner, name)
    release = release_for(found, revision)
    prefetch_related_objects([release], "files")
    context = _release_context(request, found, release) | {
        "subscribed": subscribed(user, found),
        "own": user is not None and found.owner_id == user.pk,
        "releases": found.releases.all(),
        "newest": found.latest,
        "parent": parent_of(user, release),
        "children": children_of(user, found)[:CHILDREN_SHOWN],
        "retrainable": can_be_retrained(release),
        "search_family": family_to_search(release),
        "has_checkpoint": any(file.name == CHECKPOINT for file in release.files.all()),
    }
    return render(request, "catalog/listing.html", context)


def _release_context(request: HttpRequest, found: Listing, release: Release) -> dict[str, Any]:
    where = reverse("catalog:download", args=[found.owner.username, found.name, release.revision, "x"])[:-1]
    files = file_rows(release.files.all(), request.build_absolute_uri(where), found.private)
    return {
        "listing": found,
        "release": release,
        "files": files,
        "script": retrain_script(release.card),
        "device_title": DEVICE_TITLES.get(release.device, release.device),
        **card_view(release.card),
    }


@require_http_methods(["GET", "POST"])
def change_subscription(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Subscribe or unsubscribe the signed-in person, then show the model again."""
    user = _asker(request)
    found = listing_for(user, owner, name)
    if user is None:
        return redirect(f"{reverse('account_login')}?next={reverse('catalog:listing', args=[owner, name])}")
    if request.method == "POST":
        if request.POST.get("wanted") == "no":
            services.unsubscribe(user=user, listing=found)
        else:
            services.subscribe(user=user, listing=found)
    return redirect("catalog:listing", owner, name)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Change a listing of the signed-in person."""
    found = own_listing(person_of(request), owner, name)
    initial = {"title": found.title, "summary": found.summary, "private": found.private}
    form = ListingForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_listing(listing=found, **form.cleaned_data)
        except BadInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.sentence)
        else:
            messages.success(request, "Changed.")
            return redirect("catalog:listing", owner, name)
    return render(request, "catalog/edit.html", {"form": form, "listing": found})


@login_required
@require_http_methods(["GET", "POST"])
def publish(request: HttpRequest, run_id: int) -> HttpResponse:
    """Publish a run of the signed-in person, after a look at its card."""
    user = person_of(request)
    run = run_to_publish(user, run_id)
    card = services.preview_card(owner=user, run=run, name="…")
    form = PublicationForm(
        request.POST if request.method == "POST" else None, initial={"name": run.dataset_version.dataset.name}
    )
    if request.method == "POST" and form.is_valid():
        try:
            release = services.publish_release(owner=user, run=run, words=form.words)
        except (BadInput, Conflict) as error:
            form.add_error(error.field if error.field in form.fields else None, error.sentence)
        else:
            messages.success(request, f"Published as {release}.")
            return redirect("catalog:listing", user.username, release.listing.name)
    context = {"form": form, "run": run, "device_title": DEVICE_TITLES.get(run.device, run.device), **card_view(card)}
    return render(request, "catalog/publish.html", context)


@login_required
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """Show what the signed-in person should hear of."""
    page = Paginator(notices_for(person_of(request)), NOTICES_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "catalog/notices.html", {"page": page})


@login_required
@require_GET
def open_notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Lead to the release that a notice tells of; it is read then."""
    user = person_of(request)
    release = notice_for(user, notice_id).release
    services.mark_read(user=user, notice_ids=[notice_id])
    return redirect("catalog:release", release.listing.owner.username, release.listing.name, release.tag)


@login_required
@require_POST
def read_notices(request: HttpRequest) -> HttpResponse:
    """Mark one notice read, or all of them."""
    one = request.POST.get("notice", "")
    services.mark_read(user=person_of(request), notice_ids=[int(one)] if one.isdecimal() else None)
    return redirect("catalog:notices")


def _asker(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
