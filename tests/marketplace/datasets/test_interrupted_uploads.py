"""A disk that is full, and an upload that stops half-way."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from marketplace.storage import FULL
from tests.marketplace.datasets.archives import good_zip, picture, zip_of
from tests.marketplace.datasets.conftest import files_in, form

ROOT = Path(__file__).resolve().parents[3]


def large_zip() -> bytes:
    return zip_of(
        {f"{name}/{n}.png": picture(1000 * label + n, 200) for label, name in enumerate("ab") for n in range(10)}
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 512 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("where", ["uploads", "files"])
def test_a_full_disk_gets_a_sentence_and_nothing_is_half_stored(
    where: str,
    small_disk: Path,
    program: Client,
    page: Client,
    nothing_stored: Callable[[], bool],
    settings: object,
    files_dir: Path,
) -> None:
    """The passing copy may not fit, or the stored one."""
    if where == "uploads":
        settings.FILE_UPLOAD_TEMP_DIR = str(small_disk)  # type: ignore[attr-defined]
    else:
        files_dir.symlink_to(small_disk)
    answer = program.post("/api/datasets", form(large_zip()))
    assert answer.status_code == 507
    assert answer["X-Error-Code"] == "storage-full"
    assert answer.json()["detail"] == FULL
    shown = page.post("/datasets/new", form(large_zip()))
    assert shown.status_code == 507
    assert FULL in shown.content.decode()
    assert files_in(small_disk) == []
    assert nothing_stored()
    assert program.post("/api/datasets", form(good_zip())).status_code == 202, "a small one fits, so nothing is clogged"


def test_a_quota_gets_a_sentence_too(
    program: Client, nothing_stored: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(*_: object, **__: object) -> str:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    assert default_storage.listdir, "so that it is set up"
    monkeypatch.setattr(type(default_storage._wrapped), "save", full)
    answer = program.post("/api/datasets", form(good_zip()))
    assert answer.status_code == 507
    assert nothing_stored()


class Site:
    """The real site under gunicorn, in a data folder of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.environment = {
            **os.environ,
            "ATOLL_DATABASE_URL": "",  # a database of its own, also where the tests run on PostgreSQL
            "ATOLL_DATA_DIR": str(data_dir),
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
            "ATOLL_DEBUG": "1",  # no collected static files are needed
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.token = self.ask(
            "from django.core.management import call_command; call_command('migrate', verbosity=0);"
            "from marketplace.accounts.models import User; from marketplace.accounts.tokens import make_token;"
            "print(make_token(user=User.objects.create_user('ann'), name='t', scopes=['datasets:write'])[1])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-k", "gthread", "-b", f"127.0.0.1:{self.port}", "marketplace.wsgi"],
            cwd=ROOT,
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        self.wait()

    def wait(self) -> None:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise TimeoutError("gunicorn did not start")

    def ask(self, code: str) -> str:
        setup = "import django; django.setup();"
        done = subprocess.run(
            [sys.executable, "-c", setup + code],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def begin(self, body: bytes, length: int) -> socket.socket:
        """Send the head of an upload and a part of its body."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(
            f"POST /api/datasets HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: multipart/form-data; boundary=b0\r\nContent-Length: {length}\r\n\r\n".encode()
        )
        connection.sendall(body)
        return connection

    def left(self) -> tuple[list[Path], int]:
        with closing(sqlite3.connect(self.data_dir / "atoll.sqlite3")) as database:
            count = database.execute("SELECT count(*) FROM datasets_datasetversion").fetchone()[0]
        return files_in(self.data_dir / "files") + files_in(self.data_dir / "uploads"), count

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.data_dir, ignore_errors=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("site"))
    yield running
    running.stop()


def multipart(content: bytes) -> bytes:
    return (
        b'--b0\r\nContent-Disposition: form-data; name="name"\r\n\r\nshapes\r\n'
        b'--b0\r\nContent-Disposition: form-data; name="file"; filename="s.zip"\r\n'
        b"Content-Type: application/zip\r\n\r\n" + content + b"\r\n--b0--\r\n"
    )


def answer_of(connection: socket.socket) -> str:
    with connection:
        return received_from(connection)


def received_from(connection: socket.socket) -> str:
    received = b""
    while piece := connection.recv(65536):
        received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), None
        )
        if length is not None and len(body) >= length:
            break
    return received.decode()


def test_an_upload_that_stops_half_way_gets_a_sentence_and_leaves_nothing(site: Site) -> None:
    whole = multipart(large_zip() * 3)
    connection = site.begin(whole[: len(whole) // 2], len(whole))
    connection.shutdown(socket.SHUT_WR)
    answer = answer_of(connection)
    assert answer.startswith("HTTP/1.1 400")
    assert "The upload stopped half-way, so nothing was stored." in answer
    assert site.left() == ([], 0)


def test_an_archive_that_arrived_whole_in_a_short_body_is_not_taken(site: Site) -> None:
    """Only the end of the form is missing: Django alone would store the file."""
    whole = multipart(good_zip())
    connection = site.begin(whole[:-4], len(whole))
    connection.shutdown(socket.SHUT_WR)
    assert "The upload stopped half-way" in answer_of(connection)
    assert site.left() == ([], 0)


def test_a_sender_that_vanishes_leaves_nothing(site: Site) -> None:
    import struct

    whole = multipart(large_zip() * 3)
    connection = site.begin(whole[: len(whole) // 2], len(whole))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()  # with a reset
    for _ in range(50):
        if not files_in(site.data_dir / "uploads"):
            break
        time.sleep(0.1)
    assert site.left() == ([], 0)


def test_the_whole_upload_is_taken_by_the_same_site(site: Site) -> None:
    whole = multipart(good_zip())
    answer = answer_of(site.begin(whole, len(whole)))
    assert answer.startswith("HTTP/1.1 202"), answer
    files, count = site.left()
    assert (len(files), count) == (1, 1)


def test_passing_files_of_killed_processes_are_removed(program: Client, files_dir: Path) -> None:
    uploads = files_dir.with_name("uploads")
    old, young = uploads / "a.upload.zip", uploads / "b.upload.zip"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (0, 0))
    program.post("/api/datasets", form(good_zip()))
    assert files_in(uploads) == [young]
