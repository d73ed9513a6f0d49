"""What programs may do here: find models, publish, subscribe, read notices."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Form, Query, Router, Schema, Status
from pydantic import ConfigDict

from marketplace.accounts.person import person_of
from marketplace.accounts.tokens import reader_of, require_scope
from marketplace.catalog import services
from marketplace.catalog.asking import listing_asked_for
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import listing_for, notices_for, release_for, run_to_publish, visible_listings
from marketplace.catalog.releasing import Words
from marketplace.catalog.shapes import model_shape, notice_shape, refs_shape, tree_shape

router = Router()

PAGE_LENGTH = 50
LONGEST_PAGE = 200
LAST_START = 1_000_000
HUB_SORTS = {
    "lastModified": "updated",
    "last_modified": "updated",
    "createdAt": "created",
    "created_at": "created",
}
"""How hub clients name our ways to sort; one that is not known sorts by the latest release."""


class Publication(Schema):
    """What is published under which words. A key that is not known is refused: it might be a mistyped `private`."""

    model_config = ConfigDict(extra="forbid")

    run: int
    name: str
    title: str = ""
    summary: str = ""
    private: bool = False
    licence: str = ""
    notes: str = ""


class Wanted(Schema):
    """What a search asks for."""

    search: str = ""
    author: str = ""
    filter: list[str] = []
    """Tags, as hub clients send them; a model must have all of them."""
    device: str = ""
    licence: str = ""
    kind: str = ""
    """How it came to be: trained, preset or imported."""
    sort: str = "updated"
    max_latency_ms: float | None = None
    max_streamed_kib: float | None = None
    min_accuracy: float | None = None
    ops_on_cpu: int | None = None
    full: bool = False
    limit: int = PAGE_LENGTH
    cursor: int = 0


class NoticesRead(Schema):
    """Which notices were read; without ids, all of them."""

    model_config = ConfigDict(extra="forbid")

    ids: list[int] | None = None


@router.get("/models", auth=None)
def search_models(request: HttpRequest, wanted: Query[Wanted]) -> HttpResponse:
    """Find models; the header `Link` leads to the next page."""
    length = min(max(wanted.limit, 1), LONGEST_PAGE)
    start = min(max(wanted.cursor, 0), LAST_START)
    found = visible_listings(
        reader_of(request),
        search=wanted.search,
        sort=HUB_SORTS.get(wanted.sort, wanted.sort),
        owner=wanted.author,
        device=wanted.device,
        max_latency_ms=wanted.max_latency_ms,
        max_streamed_kib=wanted.max_streamed_kib,
        min_accuracy=wanted.min_accuracy,
        all_on_chip=wanted.ops_on_cpu == 0,
        licence=wanted.licence,
        kind=wanted.kind,
        tags=wanted.filter,
    )
    if wanted.full:
        found = found.prefetch_related("latest__files")
    page = list(found[start : start + length + 1])
    shapes = [
        model_shape(one, one.latest, files=wanted.full, card=False) for one in page[:length] if one.latest is not None
    ]
    answer = JsonResponse(shapes, safe=False)
    if len(page) > length:
        following = {**request.GET.dict(), "limit": length, "cursor": start + length}
        answer["Link"] = f'<{request.build_absolute_uri(request.path)}?{urlencode(following)}>; rel="next"'
    return answer


@router.post("/models", response={201: dict[str, Any]})
def publish_model(request: HttpRequest, response: HttpResponse, publication: Publication) -> Any:
    """Publish what a run of yours made, as the first or the next release (right `models:publish`)."""
    require_scope(request, "models:publish")
    user = person_of(request)
    words = Words(**publication.dict(exclude={"run"}))
    release = services.publish_release(owner=user, run=run_to_publish(user, publication.run), words=words)
    response["Location"] = f"/api/models/{release.listing}"
    return Status(201, model_shape(release.listing, release, files=True, card=True))


@router.get("/models/{owner}/{name}", auth=None)
def read_model(request: HttpRequest, owner: str, name: str) -> dict[str, Any]:
    """Return a model's newest release."""
    return read_release(request, owner, name, "main")


@router.get("/models/{owner}/{name}/revision/{revision}", auth=None)
def read_release(request: HttpRequest, owner: str, name: str, revision: str) -> dict[str, Any]:
    """Return a release: “main”, “v3”, or the beginning of its revision."""
    listing = listing_asked_for(request, owner, name)
    return model_shape(listing, release_for(listing, revision), files=True, card=True)


@router.get("/models/{owner}/{name}/tree/{revision}", auth=None)
def list_files(request: HttpRequest, owner: str, name: str, revision: str) -> list[dict[str, Any]]:
    """Return the files of a release."""
    return tree_shape(release_for(listing_asked_for(request, owner, name), revision))


@router.post("/models/{owner}/{name}/paths-info/{revision}", auth=None)
def look_up_files(
    request: HttpRequest, owner: str, name: str, revision: str, paths: Form[list[str]]
) -> list[dict[str, Any]]:
    """Return those files of a release that are named; it changes nothing."""
    return [one for one in list_files(request, owner, name, revision) if one["path"] in paths]


@router.get("/models/{owner}/{name}/refs", auth=None)
def list_releases(request: HttpRequest, owner: str, name: str) -> dict[str, Any]:
    """Return every release of a model."""
    return refs_shape(listing_asked_for(request, owner, name))


@router.put("/models/{owner}/{name}/subscription", response={204: None})
def subscribe_to_model(request: HttpRequest, owner: str, name: str) -> Any:
    """Have a notice when the next release lands (right `read`)."""
    services.subscribe(user=person_of(request), listing=_listing(request, owner, name))
    return Status(204, None)


@router.delete("/models/{owner}/{name}/subscription", response={204: None})
def unsubscribe_from_model(request: HttpRequest, owner: str, name: str) -> Any:
    """Have no more notices of a model (right `read`)."""
    services.unsubscribe(user=person_of(request), listing=_listing(request, owner, name))
    return Status(204, None)


@router.get("/notices")
def list_notices(request: HttpRequest, unread: bool = False) -> dict[str, Any]:
    """Return your notices, newest first, at most 200 (right `read`)."""
    require_scope(request, "read")
    notices = notices_for(person_of(request))
    if unread:
        notices = notices.filter(read_at=None)
    return {"notices": [notice_shape(one) for one in notices[:LONGEST_PAGE]]}


@router.post("/notices/read")
def read_notices(request: HttpRequest, read: NoticesRead) -> dict[str, int]:
    """Mark notices as read, all of them where no ids are sent (right `read`)."""
    require_scope(request, "read")
    return {"marked": services.mark_read(user=person_of(request), notice_ids=read.ids)}


def _listing(request: HttpRequest, owner: str, name: str) -> Listing:
    require_scope(request, "read")
    return listing_for(person_of(request), owner, name)
