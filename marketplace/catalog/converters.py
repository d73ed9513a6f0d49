"""The parts of addresses that name a person or a model."""

from __future__ import annotations

from marketplace.accounts.names import RESERVED

NAME = "[a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?"


class NameConverter:
    """The name of a model."""

    regex = NAME

    def to_python(self, value: str) -> str:
        """Return the name."""
        return value

    def to_url(self, value: str) -> str:
        """Return the name."""
        return value


class OwnerConverter(NameConverter):
    """A person's name; never one of this site's own words, so that `/runs` still leads to `/runs/`."""

    regex = f"(?!(?:{'|'.join(sorted(RESERVED))})(?:/|$)){NAME}"


class RevisionConverter(NameConverter):
    """A release in the address of a page: “v3”, or the beginning of its revision."""

    regex = "v[1-9][0-9]{0,8}|[0-9a-f]{7,40}"
