"""Adding a release to a listing: the one way in, whatever it was made from."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from marketplace.accounts.models import User
from marketplace.accounts.names import is_name
from marketplace.catalog import cards
from marketplace.catalog.licences import DEFAULT_LICENCE, LICENCES
from marketplace.catalog.models import Listing, Notice, Release, ReleaseFile
from marketplace.errors import BadInput, Conflict
from marketplace.runs.models import Run
from marketplace.storage import hold, is_kept, store

FOLDER = "releases"
MAX_SUMMARY = 2000
MAX_NOTES = 4000


class KeptFile(Protocol):
    """A stored file under the name that people download it by."""

    name: str
    sha256: str
    byte_count: int
    storage_key: str


@dataclass(frozen=True, slots=True)
class Words:
    """What the owner says of a listing and of its next release.

    An empty title, summary or licence leaves the listing's own.
    """

    name: str
    title: str = ""
    summary: str = ""
    licence: str = ""
    notes: str = ""
    private: bool = False
    """Heeded for the first release only."""

    def stripped(self) -> Words:
        """Return them without the blanks around what people typed."""
        return replace(self, title=self.title.strip(), summary=self.summary.strip(), notes=self.notes.strip())


def add_release(
    *,
    owner: User,
    words: Words,
    kind: str,
    files: Sequence[KeptFile],
    card_for: Callable[[Listing], dict[str, Any]],
    run: Run | None = None,
) -> Release:
    """Add a release to a listing, made if it is new, and tell the listing's subscribers.

    Args:
        owner: of the listing.
        words: what the owner says.
        kind: a value of `Release.Kind`.
        files: all files of the release but its card.
        card_for: from the listing, whose licence is decided by then, to the card.
        run: what the files came out of, if a run made them.

    Raises:
        BadInput: if the name or a text cannot be used.
        Conflict: if these very files are a release of this listing already, or the listing is public and should not be.
    """
    words = words.stripped()
    check_words(words)
    with transaction.atomic():
        listing = _locked_listing(owner, words)
        card = card_for(listing)
        release = _add(listing, card, [*files, _card_file(card)], {"kind": kind, "run": run, "notes": words.notes})
        _tell_subscribers(release)
    return release


def revision_of(files: Iterable[tuple[str, str]]) -> str:
    """Return the 40 hexadecimal digits that stand for files of these names and SHA-256 hashes, in any order."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()[:40]


def check_words(words: Words) -> None:
    """Refuse words that cannot be stored.

    Raises:
        BadInput: naming the field.
    """
    if words.licence and words.licence not in LICENCES:
        raise BadInput(f"The licence must be one of {', '.join(LICENCES)}.", field="licence")
    for field, text, most in (("summary", words.summary, MAX_SUMMARY), ("notes", words.notes, MAX_NOTES)):
        if len(text) > most:
            raise BadInput(f"The {field} may have {most:,} characters and has {len(text):,}: shorten it.", field=field)
    if "\x00" in words.title + words.summary + words.notes:
        raise BadInput("Title, summary and notes cannot hold the character NUL: remove it.", field="title")
    try:
        is_name(words.name)
        Listing(name=words.name, title=words.title or words.name).clean_fields(exclude={"owner", "licence"})
    except ValidationError as error:
        errors = error.message_dict if hasattr(error, "error_dict") else {"name": error.messages}
        field, sentences = next(iter(errors.items()))
        raise BadInput(f"{field.capitalize()}: {' '.join(sentences)}", field=field) from error


def _locked_listing(owner: User, words: Words) -> Listing:
    """Return the listing, new or not, so that nobody else adds a release before this transaction ends."""
    first = {
        "title": words.title or words.name,
        "summary": words.summary,
        "licence": words.licence or DEFAULT_LICENCE,
        "private": words.private,
    }
    _, fresh = Listing.objects.get_or_create(owner=owner, name=words.name, defaults=first)
    listing = Listing.objects.select_for_update().get(owner=owner, name=words.name)
    if fresh:
        return listing
    if words.private and not listing.private:
        raise Conflict(
            f"{listing} is public, and so would be its next release. Choose another name, "
            "or make the model private first.",
            field="private",
        )
    for field in ("title", "summary", "licence"):
        setattr(listing, field, getattr(words, field) or getattr(listing, field))
    return listing


def _add(listing: Listing, card: Mapping[str, Any], files: Sequence[KeptFile], facts: dict[str, Any]) -> Release:
    newest = listing.releases.order_by("-number").first()
    revision = revision_of((file.name, file.sha256) for file in files)
    same = listing.releases.filter(revision=revision).first()
    if same is not None:
        raise Conflict(f"These very files are v{same.number} of {listing} already, so nothing was published.")
    hold(file.storage_key for file in files)
    if not all(is_kept(file.storage_key, file.byte_count) for file in files):
        raise Conflict("These files were deleted while they were being published, so nothing was published.")
    try:
        release = Release.objects.create(
            listing=listing,
            number=newest.number + 1 if newest else 1,
            revision=revision,
            card=card,
            **facts,
            **_searchable(card),
        )
    except IntegrityError as error:
        raise Conflict(f"Another release of {listing} was published at this very moment. Try again.") from error
    ReleaseFile.objects.bulk_create(_row(release, file) for file in files)
    listing.latest, listing.updated_at = release, release.created_at
    listing.save(update_fields=["title", "summary", "licence", "latest", "updated_at"])
    return release


def _row(release: Release, file: KeptFile) -> ReleaseFile:
    return ReleaseFile(
        release=release,
        name=file.name,
        sha256=file.sha256,
        byte_count=file.byte_count,
        storage_key=file.storage_key,
    )


def _searchable(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card's figures that people sort and filter by."""
    on_cpu = card["ops"]["on_cpu"]
    return {
        "int8_accuracy": card["accuracy"]["int8"],
        "latency_ms": card["latency"]["ms"],
        "latency_measured": card["latency"]["origin"] == "measured",
        "device": card["device"],
        "parameter_bytes": card["memory"]["parameter_bytes"],
        "streamed_bytes": card["memory"]["streamed_bytes"],
        "cpu_op_count": None if on_cpu is None else len(on_cpu),
    }


def _card_file(card: dict[str, Any]) -> ReleaseFile:
    kept = store(io.BytesIO(cards.as_bytes(card)), FOLDER)
    return ReleaseFile(name=cards.CARD_NAME, sha256=kept.sha256, byte_count=kept.byte_count, storage_key=kept.key)


def _tell_subscribers(release: Release) -> None:
    """Leave a notice for everybody who waits for it and may see it; the publisher knows already."""
    listing = release.listing
    if listing.private:
        return
    waiting = listing.subscriptions.exclude(user=listing.owner).values_list("user_id", flat=True)
    Notice.objects.bulk_create(Notice(user_id=user_id, release=release) for user_id in waiting)
