from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from models import backbones
from models.backbones import BACKBONES, Backbone, download, fetch_backbone, find_backbone
from models.errors import BackboneMissing

CONTENT = bytes(range(256)) * 4000
NAME = "tf2_mobilenet_v2_1.0_224_ptq"


def put(folder: Path) -> Path:
    """Put something under the name of a published file into a new folder."""
    folder.mkdir(parents=True)
    file = folder / f"{NAME}.tflite"
    file.write_bytes(str(folder).encode())
    return file


class _Files(BaseHTTPRequestHandler):
    """Serves CONTENT with Range, and breaks off where a test says so."""

    break_after: ClassVar[list[int]] = []
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        type(self).asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if self.path != "/network.tflite":
            self.send_error(404)
            return
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        until = start + type(self).break_after.pop(0) if type(self).break_after else len(CONTENT)
        self.wfile.write(CONTENT[start:until])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def published() -> Iterator[Backbone]:
    """A file on a server of this test's own."""
    _Files.break_after, _Files.asked = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/network.tflite"
    yield Backbone("network", "A network", address, hashlib.sha256(CONTENT).hexdigest())
    server.shutdown()
    server.server_close()


def test_a_download_is_kept_and_not_repeated(published: Backbone, tmp_path: Path) -> None:
    first, second = download(published, tmp_path), download(published, tmp_path)
    assert first == second == tmp_path / "network.tflite"
    assert first.read_bytes() == CONTENT
    assert _Files.asked == [""]


def test_a_broken_download_goes_on_where_it_broke(published: Backbone, tmp_path: Path) -> None:
    _Files.break_after = [300_000, 1000]
    assert download(published, tmp_path).read_bytes() == CONTENT
    assert _Files.asked == ["", "bytes=300000-", "bytes=301000-"]


def test_an_earlier_part_is_used(published: Backbone, tmp_path: Path) -> None:
    (tmp_path / "network.tflite.part").write_bytes(CONTENT[:1234])
    assert download(published, tmp_path).read_bytes() == CONTENT
    assert _Files.asked == ["bytes=1234-"]


def test_a_part_that_is_whole_needs_only_its_checksum(published: Backbone, tmp_path: Path) -> None:
    (tmp_path / "network.tflite.part").write_bytes(CONTENT)
    assert download(published, tmp_path).read_bytes() == CONTENT


def test_another_file_than_the_published_one_is_thrown_away(published: Backbone, tmp_path: Path) -> None:
    with pytest.raises(BackboneMissing, match="not the file that was published"):
        download(replace(published, sha256="0" * 64), tmp_path)
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ".lock"] == []


def test_without_a_network_the_sentence_says_where_to_put_the_file(published: Backbone, tmp_path: Path) -> None:
    nowhere = replace(published, address="http://127.0.0.1:9/network.tflite")
    with pytest.raises(BackboneMissing, match=r"Put the file network\.tflite into a folder .*ATOLL_PRETRAINED_DIR"):
        download(nowhere, tmp_path)
    missing = replace(published, address=published.address.replace("network.tflite", "other.tflite"))
    with pytest.raises(BackboneMissing, match="404"):
        download(missing, tmp_path)
    assert _Files.asked == [""]


def test_where_a_download_cannot_be_kept_the_sentence_says_so(published: Backbone, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_bytes(b"a file")
    with pytest.raises(BackboneMissing, match=r"could not be kept in .*taken.* Put the file network\.tflite"):
        download(published, taken / "pretrained")


def test_the_named_folder_comes_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert find_backbone(NAME) is None
    cached = put(tmp_path / "cache" / "atoll" / "pretrained")
    assert find_backbone(NAME) == fetch_backbone(NAME) == cached
    named = put(tmp_path / "named")
    monkeypatch.setenv("ATOLL_PRETRAINED_DIR", str(named.parent))
    assert find_backbone(NAME) == named


def test_where_no_folder_is_named_files_beside_a_checkout_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    beside = put(tmp_path / "shared" / "data" / "pretrained")
    monkeypatch.setattr(backbones, "_BESIDE_A_CHECKOUT", beside.parent)
    assert find_backbone(NAME) is None, "a folder that is named empty is no folder"
    monkeypatch.delenv("ATOLL_PRETRAINED_DIR")
    assert find_backbone(NAME) == beside


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BackboneMissing, match=NAME):
        find_backbone("resnet")


def test_the_files_beside_the_project_are_the_published_ones(shared_dir: Path) -> None:
    folders = [shared_dir / "data" / "pretrained", shared_dir / "data" / "edgetpu" / "compiled" / "source"]
    seen = 0
    for backbone in BACKBONES.values():
        for path in (folder / backbone.file_name for folder in folders):
            if path.is_file():
                seen += 1
                assert hashlib.sha256(path.read_bytes()).hexdigest() == backbone.sha256
    assert seen == 5
