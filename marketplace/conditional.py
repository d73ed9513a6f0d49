"""What a request for bytes asks for: preconditions and ranges, as RFC 9110 has them (sections 13 and 14). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

_TAG = re.compile(r'\s*(?:,\s*)*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")\s*(?=,|\Z)')
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*\Z", re.IGNORECASE | re.ASCII)
_LONGEST_NUMBER = 19
"""Digits; a position beyond 2⁶³ is beyond every file."""


class Unsatisfiable(Exception):
    """The wanted range lies outside of the file."""


@dataclass(frozen=True, slots=True)
class Window:
    """The bytes from `first` up to and including `last`."""

    first: int
    last: int

    @property
    def byte_count(self) -> int:
        """How many bytes it spans."""
        return self.last - self.first + 1


def failed_precondition(headers: Mapping[str, str], etag: str, modified: datetime) -> int | None:
    """Return 412 or 304 where the request's conditions forbid to send the file, None where they do not.

    Args:
        headers: of a GET or HEAD request.
        etag: the file's strong ETag, in quotes.
        modified: when the file came to be.
    """
    if "If-Match" in headers:
        if not matches(headers["If-Match"], etag, weak=False):
            return 412
    elif "If-Unmodified-Since" in headers and _newer(modified, headers["If-Unmodified-Since"]):
        return 412
    if "If-None-Match" in headers:
        return 304 if matches(headers["If-None-Match"], etag, weak=True) else None
    since = moment(headers.get("If-Modified-Since", ""))
    return 304 if since is not None and modified.replace(microsecond=0) <= since else None


def matches(header: str, etag: str, *, weak: bool) -> bool:
    """Say whether a list of ETags, or `*`, has this one; a weak tag equals a strong one only if `weak`."""
    if header.strip() == "*":
        return True
    tags = (found.group(1) for found in _TAG.finditer(header))
    return any((tag.removeprefix("W/") if weak else tag) == etag for tag in tags)


def wanted_window(headers: Mapping[str, str], etag: str, modified: datetime, byte_count: int) -> Window | None:
    """Return the single range that is asked for, or None for the whole file.

    What cannot be understood, more than one range, and a range of another version (If-Range) all mean the whole file.

    Raises:
        Unsatisfiable: if the range lies outside of the file.
    """
    found = _RANGE.match(headers.get("Range", ""))
    if found is None or not _range_holds(headers.get("If-Range"), etag, modified):
        return None
    first, last = found.groups()
    if max(len(first), len(last)) > _LONGEST_NUMBER:
        raise Unsatisfiable
    if first:
        return _from_first(int(first), int(last) if last else None, byte_count)
    return _suffix(int(last), byte_count) if last else None


def _from_first(first: int, last: int | None, byte_count: int) -> Window | None:
    if last is not None and last < first:
        return None
    if first >= byte_count:
        raise Unsatisfiable
    return Window(first, byte_count - 1 if last is None else min(last, byte_count - 1))


def _suffix(length: int, byte_count: int) -> Window:
    if length == 0 or byte_count == 0:
        raise Unsatisfiable
    return Window(max(byte_count - length, 0), byte_count - 1)


def _range_holds(if_range: str | None, etag: str, modified: datetime) -> bool:
    """Say whether If-Range allows a part: the same strong ETag, or exactly the same time."""
    if if_range is None:
        return True
    if '"' in if_range:
        return if_range.strip() == etag
    return moment(if_range) == modified.replace(microsecond=0)


def _newer(modified: datetime, header: str) -> bool:
    since = moment(header)
    return since is not None and modified.replace(microsecond=0) > since


def moment(header: str) -> datetime | None:
    """Return an HTTP date, or None if it cannot be read."""
    try:
        found = parsedate_to_datetime(header)
    except (TypeError, ValueError, IndexError):
        return None
    return found if found.tzinfo else None
