"""Files of releases over HTTP: conditions, ranges, caches, counting."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils.http import http_date

from marketplace.catalog.models import Release
from tests.factories import make_release, make_run, make_user
from tests.marketplace.clients import ReadingClient as Client

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 4 + b"the end"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ETAG = f'"{SHA256}"'
LENGTH = len(CONTENT)
OTHER = f'"{"0" * 64}"'


@pytest.fixture
def release() -> Release:
    owner = make_user("reef")
    return make_release(owner, "corals", make_run(owner, files={"model_int8.tflite": CONTENT, "empty.bin": b""}))


def address(revision: str = "main", file: str = "model_int8.tflite") -> str:
    return f"/reef/corals/resolve/{revision}/{file}"


def body_of(answer: Any) -> bytes:
    return bytes(answer.body)


def test_a_stranger_gets_the_whole_public_file_with_all_its_marks(client: Client, release: Release) -> None:
    answer = client.get(address())
    assert (answer.status_code, body_of(answer)) == (200, CONTENT)
    assert answer["ETag"] == ETAG
    assert answer["Content-Length"] == str(LENGTH)
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["X-Repo-Commit"] == release.revision
    assert answer["X-Content-SHA256"] == SHA256
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()}:"
    assert answer["Content-Disposition"] == 'attachment; filename="model_int8.tflite"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Type"] == "application/octet-stream"
    assert "Vary" not in answer.headers  # a public file asks for no cookie, so shared caches keep it


def test_head_tells_the_same_and_sends_nothing(client: Client, release: Release) -> None:
    got, head = client.get(address()), client.head(address())
    assert (head.status_code, body_of(head)) == (200, b"")
    skipped = {"X-Request-Id"}
    assert {k: v for k, v in head.items() if k not in skipped} == {k: v for k, v in got.items() if k not in skipped}


def test_head_ignores_ranges_so_that_clients_learn_the_whole_length(client: Client, release: Release) -> None:
    head = client.head(address(), headers={"Range": "bytes=0-9"})
    assert (head.status_code, head["Content-Length"]) == (200, str(LENGTH))


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-9", 0, 9),
        ("bytes=10-19", 10, 19),
        ("bytes=1000-", 1000, LENGTH - 1),
        ("bytes=0-", 0, LENGTH - 1),
        ("bytes=-7", LENGTH - 7, LENGTH - 1),
        ("bytes=-1", LENGTH - 1, LENGTH - 1),
        (f"bytes=-{LENGTH}", 0, LENGTH - 1),
        ("bytes=-999999", 0, LENGTH - 1),
        (f"bytes={LENGTH - 1}-", LENGTH - 1, LENGTH - 1),
        ("bytes=5-99999999", 5, LENGTH - 1),
        ("BYTES = 3 - 4", 3, 4),
    ],
)
def test_a_single_range_gives_exactly_those_bytes(
    client: Client, release: Release, asked: str, first: int, last: int
) -> None:
    answer = client.get(address(), headers={"Range": asked})
    assert answer.status_code == 206
    assert body_of(answer) == CONTENT[first : last + 1]
    assert answer["Content-Range"] == f"bytes {first}-{last}/{LENGTH}"
    assert answer["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", [f"bytes={LENGTH}-", "bytes=99999-100000", "bytes=-0", f"bytes={'9' * 400}-"])
def test_a_range_outside_of_the_file_is_refused_with_its_length(client: Client, release: Release, asked: str) -> None:
    answer = client.get(address(), headers={"Range": asked})
    assert (answer.status_code, body_of(answer)) == (416, b"")
    assert answer["Content-Range"] == f"bytes */{LENGTH}"


@pytest.mark.parametrize(
    "asked", ["bytes=9-5", "bytes=-", "bytes=", "bytes=a-b", "items=0-5", "bytes=0-1,5-6", "0-5", "bytes=+1-5"]
)
def test_what_is_no_single_range_gives_the_whole_file(client: Client, release: Release, asked: str) -> None:
    answer = client.get(address(), headers={"Range": asked})
    assert (answer.status_code, body_of(answer)) == (200, CONTENT)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (ETAG, 304),
        (f"W/{ETAG}", 304),
        (f"{OTHER}, {ETAG}", 304),
        (f'{OTHER},W/"x" , W/{ETAG}', 304),
        ("*", 304),
        (OTHER, 200),
        ('""', 200),
        (SHA256, 200),
        (ETAG[:-1], 200),
        ('"a,b"', 200),
    ],
)
def test_if_none_match_spares_the_bytes_of_a_known_file(
    client: Client, release: Release, header: str, status: int
) -> None:
    for method in (client.get, client.head):
        answer = method(address(), headers={"If-None-Match": header})
        assert answer.status_code == status
        assert answer["ETag"] == ETAG
        if status == 304:
            assert body_of(answer) == b""
            assert answer["Content-Length"] == str(LENGTH)


@pytest.mark.parametrize(
    ("header", "status"), [(ETAG, 200), ("*", 200), (f"{OTHER}, {ETAG}", 200), (OTHER, 412), (f"W/{ETAG}", 412)]
)
def test_if_match_refuses_another_version(client: Client, release: Release, header: str, status: int) -> None:
    assert client.get(address(), headers={"If-Match": header}).status_code == status


def test_dates_count_where_no_tag_is_sent(client: Client, release: Release) -> None:
    at, before = release.created_at, release.created_at - timedelta(hours=1)
    same, older = http_date(at.timestamp()), http_date(before.timestamp())
    expected = {
        ("If-Modified-Since", same): 304,
        ("If-Modified-Since", older): 200,
        ("If-Modified-Since", "yesterday"): 200,
        ("If-Unmodified-Since", same): 200,
        ("If-Unmodified-Since", older): 412,
    }
    found = {(name, when): client.get(address(), headers={name: when}).status_code for name, when in expected}
    assert found == expected
    both = {"If-Modified-Since": same, "If-None-Match": OTHER}
    assert client.get(address(), headers=both).status_code == 200  # the tag is the stronger word


@pytest.mark.parametrize(("header", "status"), [(ETAG, 206), (OTHER, 200), (f"W/{ETAG}", 200), ("rubbish", 200)])
def test_if_range_gives_a_part_only_of_the_same_file(
    client: Client, release: Release, header: str, status: int
) -> None:
    answer = client.get(address(), headers={"Range": "bytes=4-7", "If-Range": header})
    assert answer.status_code == status
    assert body_of(answer) == (CONTENT[4:8] if status == 206 else CONTENT)


def test_if_range_takes_the_exact_date(client: Client, release: Release) -> None:
    date = http_date(release.created_at.timestamp())
    assert client.get(address(), headers={"Range": "bytes=4-7", "If-Range": date}).status_code == 206
    later = http_date(release.created_at.timestamp() + 60)
    assert client.get(address(), headers={"Range": "bytes=4-7", "If-Range": later}).status_code == 200


def test_a_file_known_by_tag_is_304_even_with_a_range(client: Client, release: Release) -> None:
    answer = client.get(address(), headers={"Range": "bytes=0-3", "If-None-Match": ETAG})
    assert answer.status_code == 304


def test_an_empty_file_is_given_and_has_no_ranges(client: Client, release: Release) -> None:
    whole = client.get(address(file="empty.bin"))
    assert (whole.status_code, body_of(whole), whole["Content-Length"]) == (200, b"", "0")
    assert client.get(address(file="empty.bin"), headers={"Range": "bytes=0-"}).status_code == 416
    assert client.get(address(file="empty.bin"), headers={"Range": "bytes=-5"}).status_code == 416


def test_only_a_full_revision_may_be_kept_for_ever(client: Client, release: Release) -> None:
    full = client.get(address(release.revision))
    assert full["Cache-Control"] == "public, max-age=31536000, immutable"
    for moving in ("main", "latest", "v1", release.revision[:7]):
        assert client.get(address(moving))["Cache-Control"] == "public, no-cache"


def test_every_way_to_name_a_release_leads_to_its_file(client: Client, release: Release) -> None:
    for revision in ("main", "latest", "v1", release.revision, release.revision[:7], release.revision[:20]):
        answer = client.get(address(revision))
        assert (answer.status_code, answer["X-Repo-Commit"]) == (200, release.revision)


@pytest.mark.parametrize("revision", ["v2", "v0", "v01", "deadbee", "abc", "MAIN", "%00", "v9999999999999", "_"])
def test_a_release_that_is_not_there_is_named_as_such(client: Client, release: Release, revision: str) -> None:
    answer = client.get(address(revision))
    assert (answer.status_code, answer["X-Error-Code"]) == (404, "RevisionNotFound")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("file", ["model.tflite", "../labels.txt", "a/b.txt", "MODEL_INT8.TFLITE", "%00", "x" * 400])
def test_a_file_that_is_not_there_is_named_as_such(client: Client, release: Release, file: str) -> None:
    answer = client.get(address(file=file))
    assert (answer.status_code, answer["X-Error-Code"]) == (404, "EntryNotFound")
    assert "card.json" in answer.json()["detail"]


def test_a_model_that_is_not_there_is_named_as_such(client: Client, release: Release) -> None:
    for path in ("/reef/other/resolve/main/card.json", "/nobody/corals/resolve/main/card.json"):
        answer = client.get(path)
        assert (answer.status_code, answer["X-Error-Code"]) == (404, "RepoNotFound")


def test_writing_to_a_file_is_refused(client: Client, release: Release) -> None:
    for method in (client.post, client.put, client.patch, client.delete):
        assert method(address()).status_code == 405


def test_fetched_files_are_counted_once_and_probes_and_continuations_are_not(client: Client, release: Release) -> None:
    def count() -> int:
        release.listing.refresh_from_db()
        return release.listing.download_count

    client.head(address())
    client.get(address(), headers={"If-None-Match": ETAG})
    client.get(address(), headers={"If-Match": OTHER})
    client.get(address(), headers={"Range": "bytes=500-"})
    client.get(address(), headers={"Range": "bytes=99999-"})
    assert count() == 0
    client.get(address())
    client.get(address(), headers={"Range": "bytes=0-99"})
    assert count() == 2


def test_an_older_release_keeps_its_files_when_a_new_one_lands(client: Client, release: Release) -> None:
    owner = release.listing.owner
    newer = make_release(owner, "corals", make_run(owner, files={"model_int8.tflite": b"newer"}))
    assert body_of(client.get(address("main"))) == b"newer"
    assert body_of(client.get(address("v2"))) == b"newer"
    assert body_of(client.get(address("v1"))) == CONTENT
    assert body_of(client.get(address(release.revision))) == CONTENT
    assert client.get(address(newer.revision, "empty.bin")).status_code == 404
