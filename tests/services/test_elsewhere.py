"""The same site on PostgreSQL, on Valkey by TCP and on S3, chosen by environment variables alone."""

from __future__ import annotations

import hashlib
import io
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from PIL import Image

from atoll_client.http import Site
from tests.services import s3, servers
from tests.services.fixtures import postgres, running_bucket, valkey  # noqa: F401 - pytest finds them here
from tests.services.s3 import Bucket
from tests.services.site import RunningSite, running_site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
MISSING = s3.missing() or servers.postgres_missing()
CLASSES, PICTURES = ("brain", "fan", "star"), 12
CHECK_TIMEOUT_S = 90.0
MAKE_RELEASE = """
from tests import factories
from marketplace.accounts.models import User
release = factories.make_release(User.objects.get(username="ann"), "corals")
print(f"{release.listing.owner.username}/{release.listing.name}/resolve/main/model_int8.tflite")
"""


@pytest.fixture(scope="module")
def site(
    postgres: str,  # noqa: F811 - the fixture
    valkey: str,  # noqa: F811
    running_bucket: Bucket,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningSite]:
    values = {"ATOLL_DATABASE_URL": postgres, "ATOLL_BROKER_URL": valkey, **running_bucket.environment}
    with running_site({**values, "ATOLL_WORKER_PROCESSES": "1"}, tmp_path_factory.mktemp("site")) as running:
        yield running


def pack(path: Path) -> Path:
    """Write a ZIP of three classes of plain pictures, no two alike."""
    with zipfile.ZipFile(path, "w") as archive:
        for which, name in enumerate(CLASSES):
            for number in range(PICTURES):
                picture = io.BytesIO()
                noise = Image.effect_noise((32, 32), 20 + 70 * which + number).convert("RGB")
                noise.save(picture, "PNG")
                archive.writestr(f"{name}/{number:02}.png", picture.getvalue())
    return path


@pytest.fixture(scope="module")
def ann(site: RunningSite) -> Site:
    """A person's program, with a token."""
    person, program = Site(site.address), Site(site.address)
    person.sign_up("ann", "a-long-password-42")
    program.token = person.make_token("test", ["read", "datasets:write", "runs:write", "models:publish"])
    return program


@pytest.fixture(scope="module")
def version(ann: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A dataset that was uploaded over HTTP and checked by a worker."""
    archive = pack(tmp_path_factory.mktemp("zip") / "corals.zip")
    found = ann.upload("/api/datasets", {"name": "corals"}, archive, lambda sent, total: None)
    end = time.monotonic() + CHECK_TIMEOUT_S
    while found["status"] == "checking" and time.monotonic() < end:
        time.sleep(0.3)
        found = ann.get(f"/api/datasets/{found['id']}")
    return dict(found)


@pytest.fixture(scope="module")
def release_path(ann: Site, site: RunningSite) -> str:
    """The address of a file of a release, which was made with the site's settings."""
    return f"/{site.python(MAKE_RELEASE)}"


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
class TestElsewhere:
    """One site for all of them: starting it is what takes time."""

    def test_an_upload_is_checked_and_ready(self, version: dict[str, Any]) -> None:
        assert version["status"] == "ready", version

    def test_its_rows_are_in_postgres(self, version: dict[str, Any], site: RunningSite) -> None:
        with psycopg.connect(site.values["ATOLL_DATABASE_URL"]) as database:
            rows = database.execute("SELECT status FROM datasets_datasetversion").fetchall()

        assert rows == [("ready",)]
        assert not Path(site.values["ATOLL_DATA_DIR"], "atoll.sqlite3").exists()

    def test_its_bytes_are_in_s3_and_only_there(
        self,
        version: dict[str, Any],
        site: RunningSite,
        running_bucket: Bucket,  # noqa: F811
    ) -> None:
        sha256 = version["archive_sha256"]
        [key] = [key for key in running_bucket.stored_keys() if key.endswith(sha256)]
        stored = running_bucket.client().get_object(Bucket=running_bucket.name, Key=key)["Body"].read()

        assert hashlib.sha256(stored).hexdigest() == sha256
        assert not Path(site.values["ATOLL_DATA_DIR"], "files").exists()

    def test_the_worker_was_woken_over_tcp(self, version: dict[str, Any], site: RunningSite) -> None:
        broker = redis.Redis.from_url(site.values["ATOLL_BROKER_URL"])

        assert broker.exists("_kombu.binding.cpu")
        assert not list(Path(site.values["ATOLL_DATA_DIR"]).rglob("valkey.sock"))

    def test_the_contact_sheet_comes_out_of_s3(self, version: dict[str, Any], site: RunningSite) -> None:
        person = Site(site.address)
        person.sign_in("ann", "a-long-password-42")
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in person._cookies)
        request = urllib.request.Request(f"{site.address}/datasets/{version['id']}/sheet", headers={"Cookie": cookies})

        with urllib.request.urlopen(request, timeout=20) as answer:
            Image.open(io.BytesIO(answer.read())).verify()

    def test_a_release_is_downloaded_from_s3(self, ann: Site, site: RunningSite, release_path: str) -> None:
        headers = {"Authorization": f"Bearer {ann.token}"}

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        with pytest.raises(urllib.error.HTTPError) as found:
            urllib.request.build_opener(Stay).open(
                urllib.request.Request(f"{site.address}{release_path}", headers=headers), timeout=20
            )
        answer = found.value
        with answer, urllib.request.urlopen(answer.headers["Location"], timeout=20) as download:
            content = download.read()

        assert answer.code == 302
        assert answer.headers["Location"].startswith(site.values["ATOLL_S3_ENDPOINT"])
        assert f'"{hashlib.sha256(content).hexdigest()}"' == answer.headers["ETag"]

    def test_our_own_client_downloads_it_too(self, ann: Site, release_path: str, tmp_path: Path) -> None:
        ann.download(release_path, tmp_path / "model")

        assert (tmp_path / "model").read_bytes().startswith(b"int8 ")

    def test_lost_database_connections_are_replaced_at_once(
        self, ann: Site, version: dict[str, Any], site: RunningSite
    ) -> None:
        with psycopg.connect(site.values["ATOLL_DATABASE_URL"], autocommit=True) as database:
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

        assert [ann.get(f"/api/datasets/{version['id']}")["status"] for _ in range(10)] == ["ready"] * 10
