"""Pages of datasets; everybody sees their own only."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketplace.accounts.person import person_of
from marketplace.datasets import services
from marketplace.datasets.queries import histogram_of, latest_of, progress_of, version_of
from marketplace.datasets.sheet import MAX_ROWS, THUMB_PX
from marketplace.datasets.uploads import received
from marketplace.errors import NotFound, UserError
from marketplace.middleware import problem
from marketplace.storage import open_stored
from marketplace.work.queries import events_of


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Show one's datasets."""
    return render(request, "datasets/index.html", {"cards": latest_of(person_of(request))})


@csrf_exempt  # the check reads the body, and a body that cannot be read must end in a sentence: see _take
@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the form; take an upload."""
    if request.method == "GET":
        return render(request, "datasets/new.html", _form(name=request.GET.get("name", "")))
    name = ""
    try:
        name, _ = received(request)
        return _take(request)
    except UserError as error:
        if _by_script(request):
            return problem(request, error)
        return render(request, "datasets/new.html", _form(name, error), status=error.status)


@csrf_protect
def _take(request: HttpRequest) -> HttpResponse:
    name, upload = received(request)
    version = services.upload_dataset(owner=person_of(request), name=name, upload=upload)
    if _by_script(request):
        return JsonResponse({"location": version.get_absolute_url()}, status=HTTPStatus.ACCEPTED)
    return redirect(version)


def _by_script(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _form(name: str = "", error: UserError | None = None) -> dict[str, Any]:
    return {"name": name, "error": error, "max_upload_bytes": settings.MAX_UPLOAD_BYTES}


@login_required
@require_GET
def version(request: HttpRequest, version_id: int) -> HttpResponse:
    """Show one version."""
    return render(request, "datasets/version.html", _shown(request, version_id))


@login_required
@require_GET
def state(request: HttpRequest, version_id: int) -> HttpResponse:
    """Show what changes while the check goes on."""
    return render(request, "datasets/_state.html", _shown(request, version_id))


def _shown(request: HttpRequest, version_id: int) -> dict[str, Any]:
    found = version_of(person_of(request), version_id)
    histogram = histogram_of(found)
    return {
        "version": found,
        "here": found,
        "progress": progress_of(found),
        "histogram": histogram,
        "more_classes": len(found.classes) - len(histogram),
        "sheet_height": THUMB_PX * min(len(found.classes), MAX_ROWS),
        "events": events_of("dataset", found.pk),
        "versions": found.dataset.versions.all(),
    }


@login_required
@require_GET
def sheet(request: HttpRequest, version_id: int) -> HttpResponse:
    """Send the contact sheet."""
    return _file(version_of(person_of(request), version_id).sheet_key, "image/jpeg")


@login_required
@require_GET
def manifest(request: HttpRequest, version_id: int) -> HttpResponse:
    """Send the list of every picture with its class and split."""
    found = version_of(person_of(request), version_id)
    answer = _file(found.manifest_key, "application/json")
    answer["Content-Disposition"] = f'attachment; filename="{found.dataset.name}-{found.number}.json"'
    return answer


def _file(key: str, content_type: str) -> HttpResponse:
    if not key:
        raise NotFound("This dataset is not ready, so there is nothing to show yet.")
    answer = FileResponse(open_stored(key), content_type=content_type)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, max-age=86400, immutable"
    return cast(HttpResponse, answer)


@login_required
@require_POST
def delete(request: HttpRequest, version_id: int) -> HttpResponse:
    """Delete a version."""
    found = version_of(person_of(request), version_id)
    services.delete_version(version=found)
    messages.success(request, f"Version {found.number} of {found.dataset.name} was deleted with its files.")
    return redirect("datasets:index")
