"""What programs may do with datasets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status

from marketplace.accounts.person import person_of
from marketplace.accounts.tokens import require_scope
from marketplace.datasets import services
from marketplace.datasets.models import DatasetVersion
from marketplace.datasets.queries import progress_of, version_of, versions_of
from marketplace.datasets.uploads import received

router = Router()
PAGE = 100
UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["name", "file"],
                    "properties": {
                        "name": {"type": "string", "description": "small letters, digits and hyphens"},
                        "file": {"type": "string", "format": "binary", "description": "a ZIP of class folders"},
                    },
                }
            }
        },
    }
}


class VersionLine(Schema):
    """A dataset version in a list."""

    id: int
    name: str
    version: int
    status: str
    created_at: datetime
    pictures: int | None
    classes: list[str]
    content_sha256: str
    url: str


class VersionOut(VersionLine):
    """A dataset version with everything that is known of it."""

    progress: dict[str, Any]
    archive_name: str
    archive_bytes: int
    archive_sha256: str
    statistics: dict[str, Any]
    findings: list[dict[str, Any]]
    refusal: str


@router.get("", response=list[VersionLine])
def list_versions(request: HttpRequest, response: HttpResponse, before: int | None = None) -> list[dict[str, Any]]:
    """List your dataset versions, newest first; `Link: …; rel="next"` leads to older ones."""
    require_scope(request, "read")
    rows = versions_of(person_of(request))
    rows = rows if before is None else rows.filter(pk__lt=before)
    page = list(rows[: PAGE + 1])
    if len(page) > PAGE:
        response["Link"] = f'<{request.build_absolute_uri(request.path)}?before={page[PAGE - 1].pk}>; rel="next"'
    return [_line(version) for version in page[:PAGE]]


@router.get("/{int:version_id}", response=VersionOut)
def get_version(request: HttpRequest, version_id: int) -> dict[str, Any]:
    """Show one dataset version: how far its check is, its classes and figures, or why it was refused."""
    require_scope(request, "read")
    return _whole(version_of(person_of(request), version_id))


@router.post("", response={202: VersionOut}, openapi_extra=UPLOAD_BODY)
def upload_version(request: HttpRequest, response: HttpResponse) -> Status[dict[str, Any]]:
    """Upload a ZIP of class folders; it is checked in the background, see `Location`."""
    require_scope(request, "datasets:write")
    name, upload = received(request)
    version = services.upload_dataset(owner=person_of(request), name=name, upload=upload)
    response["Location"] = f"/api/datasets/{version.pk}"
    return Status(202, _whole(version))


@router.delete("/{int:version_id}", response={204: None})
def delete_version(request: HttpRequest, version_id: int) -> Status[None]:
    """Delete a dataset version that no run uses, with its files."""
    require_scope(request, "datasets:write")
    services.delete_version(version=version_of(person_of(request), version_id))
    return Status(204, None)


def _line(version: DatasetVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "name": version.dataset.name,
        "version": version.number,
        "status": version.status,
        "created_at": version.created_at,
        "pictures": version.statistics.get("pictures"),
        "classes": version.classes,
        "content_sha256": version.content_sha256,
        "url": version.get_absolute_url(),
    }


def _whole(version: DatasetVersion) -> dict[str, Any]:
    return _line(version) | {
        "progress": progress_of(version),
        "archive_name": version.archive_name,
        "archive_bytes": version.archive_bytes,
        "archive_sha256": version.archive_sha256,
        "statistics": version.statistics,
        "findings": version.findings,
        "refusal": version.refusal,
    }
