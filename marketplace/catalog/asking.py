"""What a program asks for: the listing, release and file behind an address, with sentences a hub client understands."""

from __future__ import annotations

from django.http import HttpRequest

from marketplace.accounts.tokens import reader_of, why_stranger
from marketplace.catalog.errors import ModelNotFound
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import NO_MODEL, listing_for


def listing_asked_for(request: HttpRequest, owner: str, name: str) -> Listing:
    """Return a listing for a program, with or without a token.

    A public one is found without asking who comes, so that shared caches may keep the answer.

    Raises:
        ModelNotFound: if there is none, or the asker may not know of it; a token that did not help is named.
    """
    try:
        return listing_for(None, owner, name)
    except ModelNotFound:
        user = reader_of(request)
        if user is not None:
            return listing_for(user, owner, name)
        raise ModelNotFound(" ".join(filter(None, (NO_MODEL, why_stranger(request))))) from None
