"""Publishing releases, and telling those who wait for them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.accounts.names import is_name
from marketplace.catalog import cards
from marketplace.catalog.licences import DEFAULT_LICENCE, LICENCES
from marketplace.catalog.models import Listing, Notice, Release, ReleaseFile, Subscription
from marketplace.catalog.values import items, text
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.runs.models import Artifact, Run
from marketplace.storage import StoredFile, open_stored, store

FOLDER = "releases"
LABELS_NAME = "labels.txt"
MAX_SUMMARY = 2000
MAX_NOTES = 4000
MAX_ID = 2**63 - 1


def publish_release(
    *,
    owner: User,
    run: Run,
    name: str,
    title: str = "",
    summary: str = "",
    private: bool = False,
    licence: str = "",
    notes: str = "",
) -> Release:
    """Publish what a finished run made, as the first or the next release of a listing, and tell its subscribers.

    An empty title, summary or licence leaves the listing's own; `private` is for the first release only.

    Raises:
        NotFound: if the run is not the owner's.
        BadInput: if the name or a text cannot be used.
        Conflict: if the run has not ended well, or these very files are a release of this listing already.
    """
    artifacts = publishable_files(owner, run)
    words = {"title": title.strip(), "summary": summary.strip(), "licence": licence}
    _check(Listing(owner=owner, name=name, **{**words, "title": words["title"] or name}), notes)
    with transaction.atomic():
        listing = _locked_listing(owner, name, words, private)
        card = preview_card(owner=owner, run=run, name=name, licence=listing.licence, artifacts=artifacts)
        card_file = store(io.BytesIO(cards.as_bytes(card)), FOLDER)
        release = _add_release(listing, run, card, notes.strip(), [*artifacts, _card_row(card_file)])
        _tell_subscribers(release)
    return release


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
    return cards.card_of(run, model=model, licence=licence, labels=_labels(run, files), artifacts=files)


def change_listing(*, listing: Listing, title: str, summary: str, private: bool) -> Listing:
    """Change a listing's words and who may see it; its releases stay as they are.

    Raises:
        BadInput: if a text cannot be used.
    """
    listing.title, listing.summary, listing.private = title.strip(), summary.strip(), private
    _check(listing, "")
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


def revision_of(files: Iterable[tuple[str, str]]) -> str:
    """Return the 40 hexadecimal digits that stand for files of these names and SHA-256 hashes, in any order."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()[:40]


def _check(listing: Listing, notes: str) -> None:
    """Refuse words that cannot be stored, naming the field."""
    if listing.licence and listing.licence not in LICENCES:
        raise BadInput(f"The licence must be one of {', '.join(LICENCES)}.", field="licence")
    for field, words, most in (("summary", listing.summary, MAX_SUMMARY), ("notes", notes, MAX_NOTES)):
        if len(words) > most:
            raise BadInput(f"The {field} may have {most:,} characters and has {len(words):,}: shorten it.", field=field)
    if "\x00" in listing.title + listing.summary + notes:
        raise BadInput("Title, summary and notes cannot hold the character NUL: remove it.", field="title")
    try:
        is_name(listing.name)
        listing.clean_fields(exclude={"owner", "licence"})
    except ValidationError as error:
        errors = error.message_dict if hasattr(error, "error_dict") else {"name": error.messages}
        field, sentences = next(iter(errors.items()))
        raise BadInput(f"{field.capitalize()}: {' '.join(sentences)}", field=field) from error


def _locked_listing(owner: User, name: str, words: dict[str, str], private: bool) -> Listing:
    """Return the listing, new or not, so that nobody else adds a release before this transaction ends."""
    first = {**words, "title": words["title"] or name, "licence": words["licence"] or DEFAULT_LICENCE}
    _, fresh = Listing.objects.get_or_create(owner=owner, name=name, defaults={**first, "private": private})
    listing = Listing.objects.select_for_update().get(owner=owner, name=name)
    if fresh:
        return listing
    if private and not listing.private:
        raise Conflict(
            f"{listing} is public, and so would be its next release. Choose another name, "
            "or make the model private first.",
            field="private",
        )
    for field, value in words.items():
        setattr(listing, field, value or getattr(listing, field))
    return listing


def _add_release(
    listing: Listing, run: Run, card: dict[str, Any], notes: str, files: list[Artifact | ReleaseFile]
) -> Release:
    newest = listing.releases.order_by("-number").first()
    revision = revision_of((file.name, file.sha256) for file in files)
    same = listing.releases.filter(revision=revision).first()
    if same is not None:
        raise Conflict(f"These very files are v{same.number} of {listing} already, so nothing was published.")
    try:
        release = Release.objects.create(
            listing=listing,
            number=newest.number + 1 if newest else 1,
            revision=revision,
            run=run,
            card=card,
            notes=notes,
            **_searchable(run, card),
        )
    except IntegrityError as error:
        raise Conflict(f"Another release of {listing} was published at this very moment. Try again.") from error
    ReleaseFile.objects.bulk_create(
        ReleaseFile(
            release=release,
            name=file.name,
            sha256=file.sha256,
            byte_count=file.byte_count,
            storage_key=file.storage_key,
        )
        for file in files
    )
    listing.latest, listing.updated_at = release, release.created_at
    listing.save(update_fields=["title", "summary", "licence", "latest", "updated_at"])
    return release


def _searchable(run: Run, card: dict[str, Any]) -> dict[str, Any]:
    """Return the card's figures that people sort and filter by."""
    on_cpu = card["ops"]["on_cpu"]
    return {
        "int8_accuracy": card["accuracy"]["int8"],
        "latency_ms": card["latency"]["ms"],
        "latency_measured": card["latency"]["origin"] == "measured",
        "device": run.device,
        "parameter_bytes": card["memory"]["parameter_bytes"],
        "streamed_bytes": card["memory"]["streamed_bytes"],
        "cpu_op_count": None if on_cpu is None else len(on_cpu),
    }


def _card_row(file: StoredFile) -> ReleaseFile:
    return ReleaseFile(name=cards.CARD_NAME, sha256=file.sha256, byte_count=file.byte_count, storage_key=file.key)


def _tell_subscribers(release: Release) -> None:
    """Leave a notice for everybody who waits for it and may see it; the publisher knows already."""
    listing = release.listing
    if listing.private:
        return
    waiting = listing.subscriptions.exclude(user=listing.owner).values_list("user_id", flat=True)
    Notice.objects.bulk_create(Notice(user_id=user_id, release=release) for user_id in waiting)


def _labels(run: Run, artifacts: list[Artifact]) -> list[str]:
    """Return the classes in the order of the outputs: as the labels' file has them, else as the dataset has them."""
    file = next((artifact for artifact in artifacts if artifact.name == LABELS_NAME), None)
    if file is not None:
        with open_stored(file.storage_key) as stream:
            return stream.read().decode("utf-8", "replace").splitlines()
    classes = items({"classes": run.dataset_version.classes}, "classes")
    return [one if isinstance(one, str) else text(one, "name") for one in classes]
