"""Fixtures of real servers. A test module imports those it needs; where a server is missing, its tests say which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services import s3, servers


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


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a database of a real PostgreSQL."""
    if servers.postgres_missing():
        pytest.skip(servers.postgres_missing())
    with servers.running_postgres() as address:
        yield address


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Valkey on a TCP port, with a password."""
    with servers.running_valkey(tmp_path_factory.mktemp("valkey")) as address:
        yield address
