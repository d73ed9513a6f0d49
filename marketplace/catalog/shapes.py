"""Listings as JSON in the shape of a model hub (`huggingface_hub` reads it); our own facts lie under `atoll`. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marketplace.catalog.models import Listing, Notice, Release, ReleaseFile
from marketplace.catalog.queries import LICENCE_TAG, TAGS_OF_ALL

TASK = "image-classification"
LIBRARY = "keras"
"""What `checkpoint.keras` opens with."""


def model_shape(listing: Listing, release: Release, *, files: bool, card: bool) -> dict[str, Any]:
    """Return a release of a listing as a hub tells of a model.

    Args:
        listing: with its owner.
        release: one of its releases.
        files: also name the release's files.
        card: also give the whole card.
    """
    shape: dict[str, Any] = {
        "id": str(listing),
        "modelId": str(listing),
        "author": listing.owner.username,
        "sha": release.revision,
        "createdAt": instant(listing.created_at),
        "lastModified": instant(listing.updated_at),
        "private": listing.private,
        "gated": False,
        "disabled": False,
        "downloads": listing.download_count,
        "tags": [*sorted(TAGS_OF_ALL), f"{LICENCE_TAG}{listing.licence}"],
        "pipeline_tag": TASK,
        "library_name": LIBRARY,
        "cardData": {"license": listing.licence, "pipeline_tag": TASK, "library_name": LIBRARY},
        "atoll": _own_facts(listing, release),
    }
    if card:
        shape["atoll"]["card"] = release.card
    if files:
        shape["siblings"] = [_sibling(file) for file in release.files.all()]
    return shape


def _own_facts(listing: Listing, release: Release) -> dict[str, Any]:
    return {
        "title": listing.title,
        "summary": listing.summary,
        "licence": listing.licence,
        "release": release.number,
        "kind": release.kind,
        "notes": release.notes,
        "published_at": instant(release.created_at),
        "int8_accuracy": release.int8_accuracy,
        "latency_ms": release.latency_ms,
        "latency_origin": release.card.get("latency", {}).get("origin", "unknown"),
        "device": release.device,
        "parameter_bytes": release.parameter_bytes,
        "streamed_bytes": release.streamed_bytes,
        "cpu_op_count": release.cpu_op_count,
        "page": f"/{listing}",
    }


def _sibling(file: ReleaseFile) -> dict[str, Any]:
    return {
        "rfilename": file.name,
        "size": file.byte_count,
        "blobId": file.sha256[:40],
        "lfs": {"sha256": file.sha256, "size": file.byte_count, "pointerSize": 0},
    }


def tree_shape(release: Release) -> list[dict[str, Any]]:
    """Return a release's files as a hub tells of a folder."""
    return [
        {
            "type": "file",
            "path": file.name,
            "size": file.byte_count,
            "oid": file.sha256[:40],
            "lfs": {"oid": file.sha256, "size": file.byte_count, "pointerSize": 0},
        }
        for file in release.files.all()
    ]


def refs_shape(listing: Listing) -> dict[str, Any]:
    """Return a listing's releases as a hub tells of branches and tags."""
    releases = list(listing.releases.all())
    return {
        "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": one.revision} for one in releases[:1]],
        "tags": [
            {"name": f"v{one.number}", "ref": f"refs/tags/v{one.number}", "targetCommit": one.revision}
            for one in releases
        ],
        "converts": [],
    }


def notice_shape(notice: Notice) -> dict[str, Any]:
    """Return a notice."""
    release = notice.release
    return {
        "id": notice.pk,
        "model": str(release.listing),
        "release": release.number,
        "revision": release.revision,
        "title": release.listing.title,
        "notes": release.notes,
        "page": f"/{release.listing}/v{release.number}",
        "created_at": instant(notice.created_at),
        "read_at": None if notice.read_at is None else instant(notice.read_at),
    }


def instant(moment: datetime) -> str:
    """Return a time as hub clients parse it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
