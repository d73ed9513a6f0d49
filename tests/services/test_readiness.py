"""What is asked of real servers before the start, and how it is said when one of them will not do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from marketplace.environment import EXIT_CODE
from tests.services.fixtures import bucket, postgres, running_bucket, valkey  # noqa: F401 - pytest finds them here
from tests.services.s3 import Bucket
from tests.services.servers import PASSWORD_IN_URL
from tests.services.site import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
READINESS = ["-m", "workers.readiness"]


def test_all_is_well_without_a_word_and_without_a_trace(
    postgres: str,  # noqa: F811 - the fixture
    valkey: str,  # noqa: F811
    bucket: Bucket,  # noqa: F811
    tmp_path: Path,
) -> None:
    elsewhere = {"ATOLL_DATABASE_URL": postgres, "ATOLL_BROKER_URL": valkey, **bucket.environment}

    done = run({"ATOLL_DATA_DIR": str(tmp_path), **elsewhere}, *READINESS)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert bucket.stored_keys() == []


def test_the_embedded_servers_need_nothing(tmp_path: Path) -> None:
    done = run({"ATOLL_DATA_DIR": str(tmp_path)}, *READINESS)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_what_refuses_us_is_named_with_its_reason(
    postgres: str,  # noqa: F811 - the fixture
    valkey: str,  # noqa: F811
    bucket: Bucket,  # noqa: F811
    tmp_path: Path,
) -> None:
    elsewhere = {
        "ATOLL_DATABASE_URL": postgres.removesuffix("atoll") + "lagoon",
        "ATOLL_BROKER_URL": valkey.replace(PASSWORD_IN_URL, "wrong"),
        **bucket.environment,
        "ATOLL_S3_BUCKET": "lagoon",
    }

    done = run({"ATOLL_DATA_DIR": str(tmp_path), **elsewhere}, *READINESS)

    assert done.returncode == EXIT_CODE
    assert done.stderr.count("\n") == 1
    assert 'database "lagoon" does not exist' in done.stderr
    assert "ATOLL_BROKER_URL, on 127.0.0.1, cannot be used (" in done.stderr
    assert "files cannot be written to the bucket “lagoon”" in done.stderr
    assert "NoSuchBucket" in done.stderr


def test_a_wrong_key_of_the_object_storage_is_named(bucket: Bucket, tmp_path: Path) -> None:  # noqa: F811
    values = {"ATOLL_DATA_DIR": str(tmp_path), **bucket.environment, "ATOLL_S3_SECRET_KEY": "mistyped"}

    done = run(values, *READINESS)

    assert done.returncode == EXIT_CODE
    assert "check ATOLL_S3_ACCESS_KEY, ATOLL_S3_SECRET_KEY" in done.stderr
    assert "mistyped" not in done.stderr


def test_servers_that_accept_and_then_say_nothing_are_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        values = {
            "ATOLL_DATA_DIR": str(tmp_path),
            "ATOLL_DATABASE_URL": f"postgresql://me@{place}/atoll",
            "ATOLL_BROKER_URL": f"redis://{place}",
            "ATOLL_S3_BUCKET": "corals",
            "ATOLL_S3_ACCESS_KEY": "me",
            "ATOLL_S3_SECRET_KEY": "secret",
            "ATOLL_S3_ENDPOINT": f"http://{place}",
        }
        done = run(values, *READINESS)  # fails where it takes over a minute

    assert done.returncode == EXIT_CODE
    assert done.stderr.count("\n") == 1
    for name in ("ATOLL_DATABASE_URL", "ATOLL_BROKER_URL", "ATOLL_S3_ENDPOINT"):
        assert name in done.stderr
