"""Publishing a model that somebody brought along."""

from __future__ import annotations

from typing import Any

from marketplace.accounts.models import User
from marketplace.catalog.models import Listing, Release
from marketplace.catalog.releasing import Words, add_release
from marketplace.errors import Conflict, NotFound
from marketplace.imports.cards import card_of
from marketplace.imports.models import Import, ImportFile

RUNNABLE = (".tflite",)


def publish_import(*, owner: User, brought: Import, words: Words) -> Release:
    """Publish an import's files, as the first or the next release of a listing, and tell its subscribers.

    Raises:
        NotFound: if the import is not the owner's.
        BadInput: if the name or a text cannot be used.
        Conflict: if there is nothing to publish, or these very files are a release of this listing already.
    """
    files = publishable_files(owner, brought)

    def card_for(listing: Listing) -> dict[str, Any]:
        return card_of(brought, model=f"{owner.username}/{words.name}", licence=listing.licence, files=files)

    return add_release(owner=owner, words=words, kind=Release.Kind.IMPORTED, files=files, card_for=card_for)


def publishable_files(owner: User, brought: Import) -> list[ImportFile]:
    """Return the files that a release of this import would have, without the card.

    Raises:
        NotFound: if the import is not the owner's.
        Conflict: if it is not ready, or holds no file that an Edge TPU or a CPU could run in 8 bits.
    """
    if brought.owner_id != owner.pk:
        raise NotFound("There is no such model, or somebody else brought it.")
    if not brought.ready:
        raise Conflict(f"“{brought.name}” is not ready, so there is nothing to publish. Wait until it is opened.")
    files = list(brought.files.order_by("name"))
    if not is_quantized(files):
        raise Conflict(
            "This model was only looked at: it has no 8-bit file to publish. Bring it again with one of your datasets."
        )
    return files


def is_quantized(files: list[ImportFile]) -> bool:
    """Whether there is a file in 8 bits among them."""
    return any(file.name.endswith(RUNNABLE) and file.name != "model_float.tflite" for file in files)
