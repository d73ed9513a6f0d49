"""What people may see of the catalogue. Who may see what is decided here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.expressions import OrderBy

from marketplace.accounts.models import User
from marketplace.catalog.errors import FileNotInRelease, ModelNotFound, RevisionNotFound
from marketplace.catalog.models import Listing, Notice, Release, ReleaseFile
from marketplace.errors import NotFound
from marketplace.runs.models import Run

NEWEST = ("main", "latest", "")
_NUMBER = re.compile(r"v[1-9][0-9]{0,8}")
_REVISION = re.compile(r"[0-9a-f]{7,40}")
MOST_WORDS = 8
TAGS_OF_ALL = frozenset({"image-classification", "coral-edge-tpu"})
LICENCE_TAG = "license:"
NO_MODEL = "There is no model at this address, or it is private."
_PRESETS_LAST = Case(When(latest__kind=Release.Kind.PRESET, then=1), default=0).asc()
ORDERS: Mapping[str, tuple[OrderBy, ...]] = {
    "updated": (F("updated_at").desc(),),
    "people": (_PRESETS_LAST, F("updated_at").desc()),
    "created": (F("created_at").desc(),),
    "downloads": (F("download_count").desc(),),
    "accuracy": (F("latest__int8_accuracy").desc(nulls_last=True),),
    "latency": (F("latest__latency_ms").asc(nulls_last=True),),
    "size": (F("latest__parameter_bytes").asc(nulls_last=True),),
}
"""The ways to sort; each ends with the newest row first, so that pages do not overlap."""


def visible_to(user: User | None) -> Q:
    """Return the condition for listings that this person may know of; None is a stranger."""
    public = Q(private=False)
    return public if user is None else public | Q(owner=user)


def visible_listings(
    user: User | None,
    *,
    search: str = "",
    sort: str = "updated",
    owner: str = "",
    device: str = "",
    max_latency_ms: float | None = None,
    max_streamed_kib: float | None = None,
    min_accuracy: float | None = None,
    all_on_chip: bool = False,
    licence: str = "",
    kind: str = "",
    tags: Collection[str] = (),
) -> QuerySet[Listing]:
    """Return published listings, filtered and sorted; a limit leaves out those whose figure is unknown."""
    found = Listing.objects.filter(visible_to(user), latest__isnull=False).select_related("owner", "latest")
    for word in search.replace("/", " ").replace("\x00", " ").split()[:MOST_WORDS]:
        found = found.filter(
            Q(name__icontains=word)
            | Q(title__icontains=word)
            | Q(summary__icontains=word)
            | Q(owner__username__icontains=word)
        )
    streamed_bytes = None if max_streamed_kib is None else max_streamed_kib * 1024
    wanted = {
        "owner__username": owner or None,
        "latest__device": device or None,
        "licence": licence or None,
        "latest__kind": kind or None,
        "latest__latency_ms__lte": max_latency_ms,
        "latest__streamed_bytes__lte": streamed_bytes,
        "latest__int8_accuracy__gte": min_accuracy,
        "latest__cpu_op_count": 0 if all_on_chip else None,
    }
    found = found.filter(**{key: value for key, value in wanted.items() if value is not None})
    for tag in set(tags) - TAGS_OF_ALL:
        found = found.filter(licence=tag.removeprefix(LICENCE_TAG)) if tag.startswith(LICENCE_TAG) else found.none()
    return found.order_by(*ORDERS.get(sort, ORDERS["updated"]), "-pk")


def listing_for(user: User | None, owner: str, name: str) -> Listing:
    """Return a listing that this person may see.

    Raises:
        ModelNotFound: if there is none, or it is somebody else's private one, or it has no release.
    """
    listing = (
        Listing.objects.filter(visible_to(user), owner__username=owner, name=name, latest__isnull=False)
        .select_related("owner", "latest")
        .first()
    )
    if listing is None:
        raise ModelNotFound(NO_MODEL)
    return listing


def own_listing(user: User, owner: str, name: str) -> Listing:
    """Return a listing of this person.

    Raises:
        ModelNotFound: if it is not theirs.
    """
    listing = listing_for(user, owner, name)
    if listing.owner_id != user.pk:
        raise ModelNotFound(NO_MODEL)
    return listing


def release_for(listing: Listing, revision: str) -> Release:
    """Return a release by "main", "latest", "v3", or the first 7 to 40 characters of its revision.

    Raises:
        RevisionNotFound: if the listing has no such release, or several begin like this.
    """
    releases = listing.releases.all()
    if revision in NEWEST and listing.latest is not None:
        found = [listing.latest]
    elif _NUMBER.fullmatch(revision):
        found = list(releases.filter(number=int(revision[1:])))
    elif _REVISION.fullmatch(revision):
        found = list(releases.filter(revision__startswith=revision)[:2])
    else:
        found = []
    if len(found) != 1:
        raise RevisionNotFound(f"{listing} has no release “{revision[:60]}”; its newest is “main”, its first “v1”.")
    release = found[0]
    release.listing = listing
    return release


def file_for(release: Release, name: str) -> ReleaseFile:
    """Return a file of a release.

    Raises:
        FileNotInRelease: if the release has none of this name.
    """
    files = {file.name: file for file in release.files.all()}
    file = files.get(name)
    if file is None:
        names = ", ".join(files)
        raise FileNotInRelease(f"{release} has no file “{name[:120]}”; it has {names}.")
    return file


def public_file(owner: str, name: str, revision: str, file_name: str) -> ReleaseFile | None:
    """Return a file of a public model in one narrow query: most downloads need no more.

    None does not mean that there is none: then `listing_for`, `release_for` and `file_for` find it or say why not.
    """
    which = _full_name(revision)
    if which is None or "\x00" in file_name:
        return None
    listing = {"release__listing__owner__username": owner, "release__listing__name": name}
    return (
        ReleaseFile.objects.filter(which, name=file_name, release__listing__private=False, **listing)
        .select_related("release__listing")
        .only(
            *("name", "sha256", "byte_count", "storage_key", "release__revision", "release__created_at"),
            "release__listing__private",
        )
        .order_by()
        .first()
    )


def _full_name(revision: str) -> Q | None:
    """Return the condition for a release that is named in full; None for the beginning of a revision, and nonsense."""
    if revision in NEWEST:
        return Q(release=F("release__listing__latest"))
    if _NUMBER.fullmatch(revision):
        return Q(release__number=int(revision[1:]))
    return Q(release__revision=revision) if _REVISION.fullmatch(revision) and len(revision) == 40 else None


def run_to_publish(user: User, run_id: int) -> Run:
    """Return a run of this person, with all that its card tells of.

    Raises:
        NotFound: if there is none, or it is somebody else's.
    """
    run = Run.objects.filter(owner=user, pk=run_id).select_related("dataset_version__dataset", "best_trial").first()
    if run is None:
        raise NotFound("There is no such run, or it is somebody else's.")
    return run


def parent_of(user: User | None, release: Release) -> Release | None:
    """Return what a release was trained further from, where this person may see it."""
    if not release.card.get("parent"):
        return None
    visible = Listing.objects.filter(visible_to(user))
    found = Release.objects.filter(children__releases=release, listing__in=visible)
    return found.select_related("listing__owner").first()


def children_of(user: User | None, listing: Listing) -> QuerySet[Listing]:
    """Return the models that were trained further from one, as far as this person may see them."""
    of_it = Release.objects.filter(run__parent_release__listing=listing).values("listing")
    found = Listing.objects.filter(visible_to(user), pk__in=of_it, latest__isnull=False)
    return found.exclude(pk=listing.pk).select_related("owner", "latest")


def notices_for(user: User) -> QuerySet[Notice]:
    """Return what this person should hear of, newest first; nothing of models that became private."""
    visible = Listing.objects.filter(visible_to(user)).values("pk")
    return (
        Notice.objects.filter(user=user, release__listing__in=visible)
        .select_related("release__listing__owner")
        .order_by("-created_at", "-pk")
    )


def notice_for(user: User, notice_id: int) -> Notice:
    """Return one of somebody's notices.

    Raises:
        NotFound: if it is not theirs, or its model became private.
    """
    notice = notices_for(user).filter(pk=notice_id).first()
    if notice is None:
        raise NotFound("There is no such notice among yours, or its model is not public any more.")
    return notice


def person_named(username: str) -> User:
    """Return the person of an address.

    Raises:
        NotFound: if there is none.
    """
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise NotFound("There is nobody of this name here.")
    return user


def subscribed(user: User | None, listing: Listing) -> bool:
    """Say whether this person hears of the next release."""
    return user is not None and listing.subscriptions.filter(user=user).exists()
