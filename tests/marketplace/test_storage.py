"""What keeping files promises, proved for files on disk and for a real S3 server."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from environs import Env

from marketplace import environment
from marketplace.errors import StorageFull
from marketplace.storage import fetch, forget, open_stored, store, store_path
from tests.services.fixtures import bucket, running_bucket  # noqa: F401 - pytest finds them here
from tests.services.s3 import Bucket

MIB = 2**20
IN_PARTS = 70 * MIB


@pytest.fixture
def on_disk(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that files go to."""
    for name in ("ATOLL_S3_BUCKET", *environment.S3_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    settings.STORAGES = {**settings.STORAGES, "default": environment.file_storage(Env(), tmp_path / "site")}
    return tmp_path / "site" / "files"


@pytest.fixture
def on_s3(settings: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:  # noqa: F811 - the fixture
    """An empty bucket that files go to."""
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = {**settings.STORAGES, "default": environment.file_storage(Env(), Path("unused"))}
    return bucket


@pytest.fixture(params=["disk", "s3"])
def kept_keys(request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    """Say what is kept, whole or not, in each kind of storage in turn."""
    if request.param == "s3":
        return request.getfixturevalue("on_s3").stored_keys
    folder = request.getfixturevalue("on_disk")
    return lambda: [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


class BreaksWhileStored(io.BytesIO):
    """A source that can be read once, for its hash, and breaks half-way the second time."""

    passes = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        if (offset, whence) == (0, 0):
            self.passes += 1
        return super().seek(offset, whence)

    def read(self, byte_count: int | None = -1) -> bytes:
        if self.passes > 1 and self.tell() >= len(self.getbuffer()) // 2:
            raise OSError("the source broke")
        return super().read(byte_count)


def test_the_same_bytes_are_kept_once_under_their_hash(kept_keys: Callable[[], list[str]]) -> None:
    first, second = store(io.BytesIO(b"coral"), "datasets"), store(io.BytesIO(b"coral"), "datasets")

    sha256 = hashlib.sha256(b"coral").hexdigest()
    assert first == second
    assert (first.key, first.sha256, first.byte_count) == (f"datasets/{sha256[:2]}/{sha256}", sha256, 5)
    assert kept_keys() == [first.key]


@pytest.mark.parametrize("content", [b"", b"reef", os.urandom(3 * MIB)], ids=["empty", "short", "long"])
def test_what_was_kept_comes_back(kept_keys: Callable[[], list[str]], content: bytes, tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(content)
    kept = store_path(tmp_path / "here", "artifacts")

    with open_stored(kept.key) as stream:
        assert stream.read() == content
    assert fetch(kept.key, tmp_path / "a" / "b").read_bytes() == content


def test_a_file_that_goes_up_in_parts_comes_back(kept_keys: Callable[[], list[str]], tmp_path: Path) -> None:
    content = os.urandom(MIB) * (IN_PARTS // MIB)

    kept = store(io.BytesIO(content), "datasets")

    assert hashlib.sha256(fetch(kept.key, tmp_path / "back").read_bytes()).hexdigest() == kept.sha256
    assert kept_keys() == [kept.key]


@pytest.mark.parametrize("byte_count", [4 * MIB, IN_PARTS], ids=["at once", "in parts"])
def test_nothing_is_kept_when_the_source_breaks(kept_keys: Callable[[], list[str]], byte_count: int) -> None:
    with pytest.raises(OSError, match="the source broke"):
        store(BreaksWhileStored(b"x" * byte_count), "datasets")

    assert kept_keys() == []


def test_nobody_sees_a_file_that_is_still_being_written(kept_keys: Callable[[], list[str]]) -> None:
    content, seen = b"y" * 3 * MIB, []
    key = f"datasets/{hashlib.sha256(content).hexdigest()[:2]}/{hashlib.sha256(content).hexdigest()}"

    class Watched(io.BytesIO):
        def read(self, byte_count: int | None = -1) -> bytes:
            if self.tell() < len(content):  # once all was read, it may be stored already
                seen.append(default_storage.exists(key))
            return super().read(byte_count)

    store(Watched(content), "datasets")

    assert not any(seen)
    assert default_storage.exists(key)


def test_many_may_keep_the_same_bytes_at_once(kept_keys: Callable[[], list[str]], tmp_path: Path) -> None:
    content, start = os.urandom(2 * MIB), threading.Barrier(6)

    def one(number: int) -> str:
        start.wait()
        key = store(io.BytesIO(content), "datasets").key
        fetch(key, tmp_path / "shared")
        return key

    with ThreadPoolExecutor(6) as pool:
        keys = set(pool.map(one, range(6)))

    assert kept_keys() == sorted(keys)
    assert len(keys) == 1
    assert (tmp_path / "shared").read_bytes() == content
    assert list(tmp_path.glob(".*")) == []


def test_what_was_fetched_before_is_not_fetched_again(kept_keys: Callable[[], list[str]], tmp_path: Path) -> None:
    kept = store(io.BytesIO(b"coral"), "datasets")
    fetch(kept.key, tmp_path / "here")
    forget(kept.key)

    assert fetch(kept.key, tmp_path / "here").read_bytes() == b"coral"


def test_fetching_what_is_not_kept_leaves_nothing(kept_keys: Callable[[], list[str]], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fetch("datasets/00/" + "0" * 64, tmp_path / "sub" / "here")

    assert list((tmp_path / "sub").iterdir()) == []


def test_damaged_bytes_are_never_handed_out_as_whole(
    kept_keys: Callable[[], list[str]], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kept = store(io.BytesIO(b"coral"), "datasets")
    if request.node.callspec.params["kept_keys"] == "s3":
        lent = request.getfixturevalue("on_s3")
        lent.client().put_object(Bucket=lent.name, Key=kept.key, Body=b"cor")
    else:
        Path(default_storage.path(kept.key)).write_bytes(b"cor")

    with pytest.raises(OSError, match="damaged"):
        fetch(kept.key, tmp_path / "sub" / "here")

    assert list((tmp_path / "sub").iterdir()) == []
    assert store(io.BytesIO(b"coral"), "datasets") == kept
    assert fetch(kept.key, tmp_path / "mended").read_bytes() == b"coral"


def test_forgetting_twice_is_no_error(kept_keys: Callable[[], list[str]]) -> None:
    kept = store(io.BytesIO(b"coral"), "datasets")

    forget(kept.key)
    forget(kept.key)
    forget("")

    assert kept_keys() == []
    with pytest.raises(FileNotFoundError):
        open_stored(kept.key)


def test_a_key_cannot_lead_out_of_the_storage(kept_keys: Callable[[], list[str]], tmp_path: Path) -> None:
    (tmp_path / "site").mkdir(exist_ok=True)
    (tmp_path / "secret").write_text("secret")

    with pytest.raises((SuspiciousOperation, FileNotFoundError)):
        open_stored("../../secret")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk; the test of a limited file size says the same")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_nothing_is_left(settings: Any, small_disk: Path, tmp_path: Path) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": environment.file_storage(Env(), small_disk)}

    with pytest.raises(StorageFull, match="nothing was stored"):
        store(io.BytesIO(os.urandom(3 * MIB)), "datasets")

    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    assert store(io.BytesIO(os.urandom(MIB)), "datasets").byte_count == MIB


def test_fetching_to_a_full_disk_is_told_and_nothing_is_left(on_disk: Path, small_disk: Path) -> None:
    kept = store(io.BytesIO(os.urandom(3 * MIB)), "datasets")

    with pytest.raises(StorageFull):
        fetch(kept.key, small_disk / "here")

    assert list(small_disk.iterdir()) == []


def test_a_file_over_the_disk_quota_is_told_and_nothing_is_left(on_disk: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        with pytest.raises(StorageFull):
            store(io.BytesIO(os.urandom(2 * MIB)), "datasets")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert [path for path in on_disk.rglob("*") if path.is_file()] == []


def test_what_a_killed_process_left_half_written_goes_away(on_disk: Path) -> None:
    store(io.BytesIO(b"coral"), "datasets")
    old, fresh = on_disk / ".passing" / "old", on_disk / ".passing" / "fresh"
    old.touch()
    fresh.touch()
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)

    store(io.BytesIO(b"reef"), "datasets")

    assert not old.exists()
    assert fresh.exists()


def test_files_on_disk_are_for_their_owner_alone(on_disk: Path) -> None:
    kept = store(io.BytesIO(b"coral"), "datasets")

    assert (on_disk / kept.key).stat().st_mode & 0o777 == 0o600


def test_s3_refuses_bytes_that_are_not_those_of_the_key(on_s3: Bucket) -> None:
    key = "datasets/00/" + hashlib.sha256(b"other").hexdigest()

    with pytest.raises(ClientError, match="BadDigest"):
        default_storage.save(key, ContentFile(b"coral", name=key))

    assert on_s3.stored_keys() == []


def test_a_full_object_storage_is_told_as_a_full_disk(on_s3: Bucket) -> None:
    on_s3.limit(MIB)

    with pytest.raises(StorageFull):
        store(io.BytesIO(os.urandom(2 * MIB)), "datasets")

    assert on_s3.stored_keys() == []


def test_a_signed_address_gives_the_file_and_a_changed_one_does_not(on_s3: Bucket) -> None:
    kept = store(io.BytesIO(b"coral"), "datasets")
    signed: Any = default_storage
    address = signed.url(kept.key, parameters={"ResponseContentDisposition": "attachment"}, expire=60)

    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.read() == b"coral"
        assert answer.headers["Content-Disposition"] == "attachment"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), timeout=10)
