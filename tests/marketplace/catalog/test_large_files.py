"""A file of any size goes through in constant memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from marketplace.catalog.models import ReleaseFile
from tests.factories import make_release, make_user

pytestmark = pytest.mark.django_db
MIB = 2**20
LENGTH = 300 * MIB


@pytest.fixture
def address() -> str:
    release = make_release(make_user("reef"), "corals")
    key = f"releases/sparse/{release.revision}"
    path = Path(default_storage.path(key))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as sink:
        sink.truncate(LENGTH)
        sink.seek(LENGTH - 4)
        sink.write(b"tail")
    ReleaseFile.objects.create(release=release, name="big.bin", sha256="ab" * 32, byte_count=LENGTH, storage_key=key)
    return "/reef/corals/resolve/main/big.bin"


def drain(address: str, **headers: str) -> tuple[int, int, bytes]:
    """Fetch; return the status, how many bytes came, and the last four."""
    answer = Client().get(address, headers=headers)
    count, end = 0, b""
    for chunk in answer.streaming_content:  # type: ignore[attr-defined]
        count += len(chunk)
        end = (end + chunk)[-4:]
    return answer.status_code, count, end


def test_300_mib_need_less_than_4_mib_of_memory(address: str) -> None:
    drain(address, Range="bytes=0-3")  # the first request loads modules
    tracemalloc.start()
    try:
        found = drain(address)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == (200, LENGTH, b"tail")
    assert peak_bytes < 4 * MIB


def test_a_part_near_the_end_is_read_without_what_lies_before(address: str) -> None:
    assert drain(address, Range=f"bytes={LENGTH - 10}-") == (206, 10, b"tail")
    assert drain(address, Range="bytes=-4") == (206, 4, b"tail")
    assert drain(address, Range=f"bytes={250 * MIB}-{251 * MIB - 1}") == (206, MIB, bytes(4))
