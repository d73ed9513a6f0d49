"""Uploads that are refused at once: a clear sentence on the page and in the API, and nothing stored."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from marketplace.datasets.models import DatasetVersion
from tests.marketplace.datasets import archives
from tests.marketplace.datasets.conftest import files_in, form

UNSAFE: dict[str, tuple[Callable[[], bytes], str]] = {
    "not a ZIP": (lambda: b"%PDF-1.7 not a zip at all", "This file is not a ZIP archive."),
    "cut in the middle": (lambda: archives.good_zip()[:-400], "This file is not a ZIP archive."),
    "damaged list": (
        lambda: archives.patched(archives.good_zip(), archives.CENTRAL, 0, b"XXXX", which=3),
        "The list of files in this ZIP is damaged",
    ),
    "encrypted": (archives.encrypted_zip, "This ZIP is encrypted with a password."),
    "parent folder": (lambda: archives.named_zip("../../etc/cron.d/x"), "“../../etc/cron.d/x” points outside"),
    "absolute": (lambda: archives.named_zip("/etc/passwd"), "“/etc/passwd” has an absolute path"),
    "drive": (lambda: archives.named_zip("C:/Windows/x.dll"), "“C:/Windows/x.dll” has an absolute path"),
    "backslash": (lambda: archives.named_zip("circle\\x.png"), "“circle\\x.png” has a backslash"),
    "symlink": (archives.symlink_zip, "“circle/passwd.png” is a symbolic link"),
    "bomb by ratio": (archives.bomb_zip, "“circle/big.bmp” would grow"),
    "bomb of many": (archives.many_small_bombs_zip, "This ZIP would grow"),
    "overlapping entries": (archives.overlapping_zip, "use the same bytes"),
    "unusual method": (archives.lzma_zip, "is compressed by the method “lzma”"),
    "empty file": (lambda: b"", "This file is empty."),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_an_unsafe_archive_is_refused_by_the_api_and_nothing_is_stored(
    case: str, program: Client, nothing_stored: Callable[[], bool]
) -> None:
    make, sentence = UNSAFE[case]
    answer = program.post("/api/datasets", form(make()))
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]
    assert nothing_stored()


@pytest.mark.parametrize("case", UNSAFE)
def test_an_unsafe_archive_is_refused_on_the_page_and_nothing_is_stored(
    case: str, page: Client, nothing_stored: Callable[[], bool]
) -> None:
    make, sentence = UNSAFE[case]
    answer = page.post("/datasets/new", form(make()))
    assert answer.status_code == 422
    assert sentence in unescape(answer.content.decode())
    assert 'value="shapes"' in answer.content.decode(), "the name that was typed is kept"
    assert nothing_stored()


def test_too_many_files_are_refused(program: Client, nothing_stored: Callable[[], bool], settings: object) -> None:
    settings.MAX_PICTURES = 20  # type: ignore[attr-defined]
    many = archives.zip_of({f"a/{number}.txt": b"" for number in range(1100)})
    answer = program.post("/api/datasets", form(many))
    assert answer.status_code == 422
    assert "This ZIP holds 1,100 files; this site takes up to 20 pictures." in answer.json()["detail"]
    assert nothing_stored()


def test_a_huge_list_of_files_is_refused_before_it_is_read(
    program: Client, nothing_stored: Callable[[], bool], settings: object
) -> None:
    settings.MAX_PICTURES = 20  # type: ignore[attr-defined]
    many = archives.zip_of({f"a/{'x' * 200}{number}.txt": b"" for number in range(5000)})
    answer = program.post("/api/datasets", form(many))
    assert answer.status_code == 422
    assert "lists far too many files" in answer.json()["detail"]
    assert nothing_stored()


def test_a_file_over_the_limit_is_refused_by_its_announced_length(
    program: Client, page: Client, nothing_stored: Callable[[], bool], settings: object
) -> None:
    settings.MAX_UPLOAD_BYTES = 2**20  # type: ignore[attr-defined]
    for client, address in ((program, "/api/datasets"), (page, "/datasets/new")):
        answer = client.post(address, form(bytes(3 * 2**20)), headers={"Accept": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["detail"].startswith("This upload has 3 MiB; this site takes up to 1 MiB.")
    assert nothing_stored()


def test_a_file_just_over_the_limit_is_refused_by_its_length(
    program: Client, nothing_stored: Callable[[], bool], settings: object
) -> None:
    settings.MAX_UPLOAD_BYTES = 2**20  # type: ignore[attr-defined]
    answer = program.post("/api/datasets", form(bytes(2**20 + 1)))
    assert answer.status_code == 413
    assert "This file has 1 MiB" in answer.json()["detail"]
    assert nothing_stored()


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "../x", "ä", "x" * 40, "-a", "a\n", "<b>"])
def test_a_name_that_cannot_be_an_address_is_refused(
    name: str, program: Client, nothing_stored: Callable[[], bool]
) -> None:
    answer = program.post("/api/datasets", form(archives.good_zip(), name))
    if name.strip() == "a":
        assert answer.status_code == 202
        return
    assert answer.status_code == 422
    assert answer.json()["field"] == "name"
    assert "cannot be a dataset's name" in answer.json()["detail"]
    assert nothing_stored()


def test_a_form_without_a_file_is_refused(program: Client, page: Client, nothing_stored: Callable[[], bool]) -> None:
    answer = program.post("/api/datasets", {"name": "shapes"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "No file came with the form. Choose a ZIP of class folders."
    assert page.post("/datasets/new", {"name": "shapes"}).status_code == 422
    assert nothing_stored()


def test_a_body_that_is_no_form_is_refused(program: Client, nothing_stored: Callable[[], bool]) -> None:
    answer = program.generic("POST", "/api/datasets", b"xyz", content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "multipart/form-data" in answer.json()["detail"]
    assert nothing_stored()


def test_the_same_bytes_again_name_the_version_that_has_them(program: Client, files_dir: object) -> None:
    assert program.post("/api/datasets", form(archives.good_zip())).status_code == 202
    answer = program.post("/api/datasets", form(archives.good_zip()))
    assert answer.status_code == 409
    assert "These are the very bytes of version 1 of “shapes”" in answer.json()["detail"]
    assert DatasetVersion.objects.count() == 1
    assert len(files_in(files_dir)) == 1  # type: ignore[arg-type]


def test_the_page_refuses_a_form_from_another_site(ann: object, nothing_stored: Callable[[], bool]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)  # type: ignore[arg-type]
    assert strict.post("/datasets/new", form(archives.good_zip())).status_code == 403
    assert nothing_stored()


def test_a_token_without_the_right_may_not_upload(ann: object, nothing_stored: Callable[[], bool]) -> None:
    from marketplace.accounts.tokens import make_token

    _, secret = make_token(user=ann, name="reader", scopes=["read"])  # type: ignore[arg-type]
    answer = Client(headers={"Authorization": f"Bearer {secret}"}).post("/api/datasets", form(archives.good_zip()))
    assert answer.status_code == 403
    assert "datasets:write" in answer.json()["detail"]
    assert nothing_stored()
