"""Where files lie in S3, a download is a signed redirect; who may have it is decided here all the same."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django import Settings

from marketplace.catalog.models import Release
from tests.factories import make_release, make_user
from tests.marketplace.clients import ReadingClient as Client

pytestmark = pytest.mark.django_db
PATH = "/reef/{}/resolve/main/model_int8.tflite"


@pytest.fixture
def releases(settings: Settings) -> dict[str, Release]:
    """A public and a private release; afterwards the files are said to lie in a bucket."""
    owner = make_user("reef")
    made = {"open": make_release(owner, "open"), "secret": make_release(owner, "secret", private=True)}
    options = {
        "bucket_name": "atoll",
        "endpoint_url": "https://objects.example",
        "region_name": "us-east-1",
        "access_key": "key",
        "secret_key": "secret",
        "addressing_style": "path",
    }
    bucket = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": bucket}
    return made


def test_a_download_leads_to_a_signed_address_with_the_files_marks(
    client: Client, releases: dict[str, Release]
) -> None:
    file = releases["open"].files.get(name="model_int8.tflite")
    for method in (client.get, client.head):
        answer = method(PATH.format("open"))
        assert answer.status_code == 302
        assert (answer["X-Linked-Etag"], answer["X-Linked-Size"]) == (f'"{file.sha256}"', str(file.byte_count))
        assert answer["X-Repo-Commit"] == releases["open"].revision
        assert answer["Cache-Control"] == "private, no-store"
        address = urlsplit(answer["Location"])
        query = parse_qs(address.query)
        assert (address.netloc, address.path) == ("objects.example", f"/atoll/{file.storage_key}")
        assert query["response-content-disposition"] == ['attachment; filename="model_int8.tflite"']
        assert {"X-Amz-Signature", "Signature"} & set(query)


def test_a_known_file_is_not_signed_anew(client: Client, releases: dict[str, Release]) -> None:
    etag = f'"{releases["open"].files.get(name="model_int8.tflite").sha256}"'
    assert client.get(PATH.format("open"), headers={"If-None-Match": etag}).status_code == 304


def test_only_a_get_is_counted(client: Client, releases: dict[str, Release]) -> None:
    client.head(PATH.format("open"))
    client.get(PATH.format("open"))
    releases["open"].listing.refresh_from_db()
    assert releases["open"].listing.download_count == 1


def test_a_private_file_is_signed_for_nobody_else(client: Client, releases: dict[str, Release]) -> None:
    answer = client.get(PATH.format("secret"))
    assert (answer.status_code, "Location" in answer) == (404, False)
    client.force_login(releases["secret"].listing.owner)
    assert client.get(PATH.format("secret")).status_code == 302
