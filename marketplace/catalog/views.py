"""Addresses that programs fetch files from."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from marketplace.catalog.asking import listing_asked_for
from marketplace.catalog.downloads import answer_download
from marketplace.catalog.errors import HubNotFound
from marketplace.catalog.queries import file_for, release_for
from marketplace.middleware import problem


@require_safe
def download(request: HttpRequest, owner: str, name: str, revision: str, file_name: str) -> HttpResponseBase:
    """Give a file of a release, to a browser, to curl or to a hub client."""
    try:
        release = release_for(listing_asked_for(request, owner, name), revision)
        return answer_download(request, release, file_for(release, file_name), revision)
    except HubNotFound as error:
        answer = problem(request, error)
        answer["X-Error-Code"] = error.hub_code
        return answer
