"""What programs may do with models of their own: bring them, see what became of them, publish and delete them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router, Schema, Status
from pydantic import ConfigDict

from marketplace.accounts.person import person_of
from marketplace.accounts.tokens import require_scope
from marketplace.catalog import releasing
from marketplace.catalog.shapes import model_shape
from marketplace.datasets.models import DatasetVersion
from marketplace.datasets.queries import version_of
from marketplace.errors import BadInput
from marketplace.imports import services
from marketplace.imports.cards import card_of
from marketplace.imports.models import Import
from marketplace.imports.publishing import publish_import
from marketplace.imports.queries import file_of, import_of, imports_of, progress_of
from marketplace.imports.receiving import received_model
from marketplace.serving import ServedFile, answer_file
from models.pixels import RANGES

router = Router()
PAGE = 100
TEXT = {"type": "string"}
UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["name", "file"],
                    "properties": {
                        "name": TEXT | {"description": "small letters, digits and hyphens"},
                        "file": TEXT
                        | {"format": "binary", "description": ".keras, .h5, a SavedModel as ZIP, .pb or .tflite"},
                        "dataset_version": {"type": "integer", "description": "a ready dataset version of yours"},
                        "pixels": TEXT | {"enum": ["auto", *RANGES], "description": "how a pixel becomes the input"},
                        "labels": TEXT | {"description": "names of the answers, one a line"},
                        "device": TEXT | {"description": "for the estimate on its card; devboard unless said"},
                    },
                }
            }
        },
    }
}


class ImportOut(Schema):
    """A model brought along, and what was found out."""

    id: int
    name: str
    status: str
    file_name: str
    file_bytes: int
    file_sha256: str
    created_at: datetime
    url: str
    progress: dict[str, Any]
    refusal: str
    kind: str
    format: str
    sentence: str
    notes: list[str]
    files: list[dict[str, Any]]
    card: dict[str, Any] | None


class Words(Schema):
    """Under which words it is published. A key that is not known is refused: it might be a mistyped `private`."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    title: str = ""
    summary: str = ""
    private: bool = False
    licence: str = ""
    notes: str = ""


@router.get("", response=list[ImportOut])
def list_imports(request: HttpRequest, response: HttpResponse, before: int | None = None) -> list[dict[str, Any]]:
    """List the models that you brought along, newest first; `Link: …; rel="next"` leads to older ones."""
    require_scope(request, "read")
    rows = imports_of(person_of(request)).order_by("-pk")
    page = list((rows if before is None else rows.filter(pk__lt=before))[: PAGE + 1])
    if len(page) > PAGE:
        address = request.build_absolute_uri(request.path)
        response["Link"] = f'<{address}?before={page[PAGE - 1].pk}>; rel="next"'
    return [_shape(brought, card=False) for brought in page[:PAGE]]


@router.post("", response={202: ImportOut}, openapi_extra=UPLOAD_BODY)
def bring_model(request: HttpRequest, response: HttpResponse) -> Status[dict[str, Any]]:
    """Bring a model of your own; it is opened, quantized and judged in the background, see `Location`."""
    require_scope(request, "runs:write")
    upload, owner = received_model(request), person_of(request)
    brought = services.bring_model(
        owner=owner,
        upload=upload,
        name=request.POST.get("name", ""),
        dataset_version=_version(request),
        pixels=request.POST.get("pixels") or services.AUTOMATIC,
        labels=request.POST.get("labels", ""),
        device=request.POST.get("device") or "devboard",
    )
    response["Location"] = f"/api/imports/{brought.pk}"
    return Status(202, _shape(brought, card=True))


@router.get("/{int:import_id}", response=ImportOut)
def get_import(request: HttpRequest, import_id: int) -> dict[str, Any]:
    """Show what became of a model: how far it is, its card, or why it was refused."""
    require_scope(request, "read")
    return _shape(import_of(person_of(request), import_id), card=True)


@router.get("/{int:import_id}/files/{name}")
def get_file(request: HttpRequest, import_id: int, name: str) -> HttpResponseBase:
    """Fetch a file of a model that you brought along; Range and ETag are honoured."""
    require_scope(request, "read")
    file = file_of(import_of(person_of(request), import_id), name)
    kept = ServedFile(file.name, file.sha256, file.byte_count, file.storage_key, file.created_at, "private, no-cache")
    return answer_file(request, kept)


@router.post("/{int:import_id}/release", response={201: dict[str, Any]})
def publish(request: HttpRequest, response: HttpResponse, import_id: int, words: Words) -> Any:
    """Publish it, as the first or the next release of a model (right `models:publish`)."""
    require_scope(request, "models:publish")
    owner = person_of(request)
    brought = import_of(owner, import_id)
    said = releasing.Words(**words.dict() | {"name": words.name or brought.name})
    release = publish_import(owner=owner, brought=brought, words=said)
    response["Location"] = f"/api/models/{release.listing}"
    return Status(201, model_shape(release.listing, release, files=True, card=True))


@router.delete("/{int:import_id}", response={204: None})
def delete_import(request: HttpRequest, import_id: int) -> Status[None]:
    """Delete a model that you brought along, with its files; what was published of it stays."""
    require_scope(request, "runs:write")
    services.delete_import(brought=import_of(person_of(request), import_id))
    return Status(204, None)


def _version(request: HttpRequest) -> DatasetVersion | None:
    text = request.POST.get("dataset_version", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadInput("dataset_version must be the number of a dataset version of yours.", field="dataset_version")
    return version_of(person_of(request), int(text))


def _shape(brought: Import, *, card: bool) -> dict[str, Any]:
    files = list(brought.files.all())
    whole = card and brought.ready
    return {
        "id": brought.pk,
        "name": brought.name,
        "status": brought.status,
        "file_name": brought.file_name,
        "file_bytes": brought.file_bytes,
        "file_sha256": brought.file_sha256,
        "created_at": brought.created_at,
        "url": brought.get_absolute_url(),
        "progress": progress_of(brought),
        "refusal": brought.refusal,
        "kind": brought.kind,
        "format": brought.format,
        "sentence": str(brought.estimate.get("sentence", "")),
        "notes": brought.notes,
        "files": [{"name": file.name, "bytes": file.byte_count, "sha256": file.sha256} for file in files],
        "card": card_of(brought, model=f"{brought.owner.username}/{brought.name}", files=files) if whole else None,
    }
