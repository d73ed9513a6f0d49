"""Pages of models brought along; everybody sees their own only."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from marketplace.accounts.person import person_of
from marketplace.catalog.forms import PublicationForm
from marketplace.catalog.showing import PURPOSES, card_view
from marketplace.errors import BadInput, Conflict, UserError
from marketplace.imports import services
from marketplace.imports.cards import card_of
from marketplace.imports.forms import ImportForm
from marketplace.imports.models import Import
from marketplace.imports.publishing import is_quantized, publish_import, publishable_files
from marketplace.imports.queries import file_of, import_of, imports_of, progress_of
from marketplace.imports.receiving import received_model
from marketplace.middleware import problem
from marketplace.serving import ServedFile, answer_file
from marketplace.work.queries import events_of
from models.foreign.format import ENDINGS, Format

IMPORTS_ON_A_PAGE = 50
KIND_WORDS = {"float": "float", "quantized": "quantized already", "compiled": "compiled for the Edge TPU already"}


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Show the models that one brought along."""
    page = Paginator(imports_of(person_of(request)), IMPORTS_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "imports/index.html", {"page": page})


@csrf_exempt  # the check reads the body, and a body that cannot be read must end in a sentence: see _take
@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the form; take a model."""
    owner = person_of(request)
    if request.method == "GET":
        asked = request.GET.get("dataset", "")
        return _form_page(request, ImportForm(owner=owner, initial={"dataset_version": asked} if asked else {}))
    try:
        received_model(request)
        return _take(request)
    except UserError as error:
        if _by_script(request):
            return problem(request, error)
        form = ImportForm(request.POST or None, owner=owner)
        return _form_page(request, form, error)


@csrf_protect
def _take(request: HttpRequest) -> HttpResponse:
    owner = person_of(request)
    form = ImportForm(request.POST, owner=owner)
    if not form.is_valid():
        raise BadInput(_first_fault(form))
    brought = services.bring_model(owner=owner, upload=received_model(request), **form.values)
    if _by_script(request):
        return JsonResponse({"location": brought.get_absolute_url()}, status=HTTPStatus.ACCEPTED)
    return redirect(brought)


def _first_fault(form: ImportForm) -> str:
    field, faults = next(iter(form.errors.items()))
    label = form.fields[field].label or field.capitalize() if field in form.fields else "The form"
    return f"{label}: {faults[0]}"


def _form_page(request: HttpRequest, form: ImportForm, error: UserError | None = None) -> HttpResponse:
    context = {
        "form": form,
        "error": error,
        "max_upload_bytes": services.largest_bytes(),
        "endings": ",".join(ENDINGS),
    }
    return render(request, "imports/new.html", context, status=error.status if error else HTTPStatus.OK)


def _by_script(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


@login_required
@require_GET
def page(request: HttpRequest, import_id: int) -> HttpResponse:
    """Show one import."""
    return render(request, "imports/import.html", _shown(import_of(person_of(request), import_id)))


@login_required
@require_GET
def state(request: HttpRequest, import_id: int) -> HttpResponse:
    """Show what changes while it is being opened."""
    return render(request, "imports/_state.html", _shown(import_of(person_of(request), import_id)))


def _shown(brought: Import) -> dict[str, Any]:
    order = {name: at for at, name in enumerate(PURPOSES)}
    files = sorted(brought.files.all(), key=lambda file: order.get(file.name, len(order)))
    context = {
        "brought": brought,
        "progress": progress_of(brought),
        "events": events_of("import", brought.pk),
        "files": [{"file": file, "purpose": PURPOSES.get(file.name, "")} for file in files],
        "publishable": brought.ready and is_quantized(files),
    }
    return context | (_view(brought) if brought.ready else {})


def _view(brought: Import) -> dict[str, Any]:
    card = card_of(brought, model=f"{brought.owner.username}/{brought.name}", files=list(brought.files.all()))
    words = KIND_WORDS.get(brought.kind, "")
    title = Format(brought.format).words if brought.format in list(Format) else brought.format
    return {
        "kind_words": f"{title}, {words}" if words else title,
        "device_title": brought.estimate.get("device_title", brought.device),
        **card_view(card),
    }


@login_required
@require_safe
def file(request: HttpRequest, import_id: int, name: str) -> HttpResponseBase:
    """Send a file of an import."""
    found = file_of(import_of(person_of(request), import_id), name)
    return answer_file(
        request,
        ServedFile(
            found.name, found.sha256, found.byte_count, found.storage_key, found.created_at, "private, no-cache"
        ),
    )


@login_required
@require_http_methods(["GET", "POST"])
def publish(request: HttpRequest, import_id: int) -> HttpResponse:
    """Publish an import, after a look at its card."""
    owner = person_of(request)
    brought = import_of(owner, import_id)
    publishable_files(owner, brought)
    form = PublicationForm(request.POST if request.method == "POST" else None, initial={"name": brought.name})
    if request.method == "POST" and form.is_valid():
        try:
            release = publish_import(owner=owner, brought=brought, words=form.words)
        except (BadInput, Conflict) as error:
            form.add_error(error.field if error.field in form.fields else None, error.sentence)
        else:
            messages.success(request, f"Published as {release}.")
            return redirect("catalog:listing", owner.username, release.listing.name)
    return render(request, "imports/publish.html", {"form": form, "brought": brought, **_view(brought)})


@login_required
@require_POST
def delete(request: HttpRequest, import_id: int) -> HttpResponse:
    """Delete an import."""
    brought = import_of(person_of(request), import_id)
    services.delete_import(brought=brought)
    messages.success(request, f"{brought.name} was deleted. What you published of it stays.")
    return redirect("imports:index")
