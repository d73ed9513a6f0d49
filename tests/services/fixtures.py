"""Fixtures of real servers. A test module imports those it needs; where a server is missing, its tests say which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services import s3


@pytest.fixture(scope="session")
def running_bucket() -> Iterator[s3.Bucket]:
    """A bucket of a real S3 server."""
    if s3.missing():
        pytest.skip(s3.missing())
    with s3.running() as bucket:
        yield bucket


@pytest.fixture
def bucket(running_bucket: s3.Bucket) -> Iterator[s3.Bucket]:
    """The same bucket, empty again for each test."""
    yield running_bucket
    running_bucket.limit(None)
    running_bucket.empty()
