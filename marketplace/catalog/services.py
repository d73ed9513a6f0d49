"""Publishing releases, and telling those who wait for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.catalog import cards
from marketplace.catalog.licences import DEFAULT_LICENCE
from marketplace.catalog.models import Listing, Notice, Release, Subscription
from marketplace.catalog.releasing import Words, add_release, check_words
from marketplace.catalog.values import items, text
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.runs.models import Artifact, Run
from marketplace.runs.parents import Parent
from marketplace.storage import open_stored

LABELS_NAME = "labels.txt"
MAX_ID = 2**63 - 1


def publish_release(*, owner: User, run: Run, words: Words) -> Release:
    """Publish what a finished run made, as the first or the next release of a listing, and tell its subscribers.

    Raises:
        NotFound: if the run is not the owner's.
        BadInput: if the name or a text cannot be used.
        Conflict: if the run has not ended well, or these very files are a release of this listing already.
    """
    artifacts = publishable_files(owner, run)

    def card_for(listing: Listing) -> dict[str, Any]:
        return preview_card(owner=owner, run=run, name=words.name, licence=listing.licence, artifacts=artifacts)

    kind = Release.Kind.TRAINED
    return add_release(owner=owner, words=words, kind=kind, files=artifacts, card_for=card_for, run=run)


def publishable_files(owner: User, run: Run) -> list[Artifact]:
    """Return the files that a release of this run would have, without the card.

    Raises:
        NotFound: if the run is not the owner's.
        Conflict: if the run has not ended well, or made no files.
    """
    if run.owner_id != owner.pk:
        raise NotFound("There is no such run, or it is somebody else's.")
    if run.status != Run.Status.DONE:
        raise Conflict(f"Run {run.pk} is not done, so there is nothing to publish yet. Wait until it ends well.")
    artifacts = list(run.artifacts.filter(trial=None).exclude(name=cards.CARD_NAME).order_by("name"))
    if not artifacts:
        raise Conflict(f"Run {run.pk} made no files, so there is nothing to publish. Order a new run.")
    return artifacts


def preview_card(
    *, owner: User, run: Run, name: str, licence: str = DEFAULT_LICENCE, artifacts: list[Artifact] | None = None
) -> dict[str, Any]:
    """Return the card that a release of this run would have."""
    files = publishable_files(owner, run) if artifacts is None else artifacts
    model = f"{owner.username}/{name}"
    return cards.card_of(
        run, model=model, licence=licence, labels=_labels(run, files), artifacts=files, parent=_parent_on_card(run)
    )


def _parent_on_card(run: Run) -> dict[str, Any] | None:
    parent = Parent.from_json(run.parent)
    if parent is None:
        return None
    public = Release.objects.filter(children=run, listing__private=False).exists()
    return cards.parent_named(parent, public=public)


def change_listing(*, listing: Listing, title: str, summary: str, private: bool) -> Listing:
    """Change a listing's words and who may see it; its releases stay as they are.

    Raises:
        BadInput: if a text cannot be used.
    """
    if not title.strip():
        raise BadInput("A model needs a title.", field="title")
    check_words(Words(listing.name, title.strip(), summary.strip()))
    listing.title, listing.summary, listing.private = title.strip(), summary.strip(), private
    listing.save(update_fields=["title", "summary", "private"])
    return listing


def subscribe(*, user: User, listing: Listing) -> None:
    """Have somebody told of the next release; doing it twice is no error."""
    Subscription.objects.get_or_create(user=user, listing=listing)


def unsubscribe(*, user: User, listing: Listing) -> None:
    """Tell somebody no more; doing it twice is no error."""
    Subscription.objects.filter(user=user, listing=listing).delete()


def mark_read(*, user: User, notice_ids: Iterable[int] | None = None) -> int:
    """Mark somebody's notices read, all of them without ids; return how many were unread."""
    unread = Notice.objects.filter(user=user, read_at=None)
    if notice_ids is not None:
        unread = unread.filter(pk__in=[one for one in notice_ids if 0 < one <= MAX_ID])
    return unread.update(read_at=timezone.now())


def _labels(run: Run, artifacts: list[Artifact]) -> list[str]:
    """Return the classes in the order of the outputs: as the labels' file has them, else as the dataset has them."""
    file = next((artifact for artifact in artifacts if artifact.name == LABELS_NAME), None)
    if file is not None:
        with open_stored(file.storage_key) as stream:
            return stream.read().decode("utf-8", "replace").splitlines()
    classes = items({"classes": run.dataset_version.classes}, "classes")
    return [one if isinstance(one, str) else text(one, "name") for one in classes]
