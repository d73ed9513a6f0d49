"""Files of releases over HTTP."""

from __future__ import annotations

from django.db.models import F
from django.http import HttpRequest, HttpResponseBase

from marketplace.catalog.models import Listing, Release, ReleaseFile
from marketplace.serving import ServedFile, answer_file

A_YEAR_S = 365 * 24 * 3600
FULL_REVISION_LENGTH = 40


def answer_download(request: HttpRequest, release: Release, file: ReleaseFile, revision: str) -> HttpResponseBase:
    """Return the answer to a GET or HEAD for a file of a release.

    Args:
        request: its conditions and ranges are heeded.
        release: with its listing.
        file: one of the release's files.
        revision: as the address has it; only a full one lets caches keep the file for ever.
    """
    served = ServedFile(
        file.name,
        file.sha256,
        file.byte_count,
        file.storage_key,
        release.created_at,
        _cache_control(release.listing, revision),
    )
    answer = answer_file(request, served, lambda: _count(release.listing))
    answer["X-Repo-Commit"] = release.revision
    return answer


def _count(listing: Listing) -> None:
    """Count a fetched file; a continuation does not come here."""
    Listing.objects.filter(pk=listing.pk).update(download_count=F("download_count") + 1)


def _cache_control(listing: Listing, revision: str) -> str:
    """A full revision never means other bytes; whatever else may mean others tomorrow."""
    who = "private" if listing.private else "public"
    if len(revision) == FULL_REVISION_LENGTH:
        return f"{who}, max-age={A_YEAR_S}, immutable"
    return f"{who}, no-cache"
