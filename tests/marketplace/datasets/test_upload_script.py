"""The upload form in a real browser: what it sees before sending, what it shows while sending."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from tests.e2e.browser import barriers, chromium_path, open_browser, open_page
from tests.marketplace.datasets.archives import encrypted_zip, good_zip
from tests.marketplace.datasets.conftest import files_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no chromium here: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def form_page(browser: Browser, live_server: Any, transactional_db: None) -> Iterator[Page]:
    """The form, as somebody who is signed in sees it."""
    client = Client()
    client.force_login(User.objects.create_user("ann"))
    page, faults = open_page(browser)
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto(f"{live_server.url}/datasets/new")
    yield page
    page.context.close()
    assert [fault for fault in faults if "422" not in fault] == []


def choose(page: Page, folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.write_bytes(content)
    page.get_by_label("ZIP file").set_input_files(path)


def test_a_good_zip_goes_on_to_its_page(form_page: Page, tmp_path: Path) -> None:
    choose(form_page, tmp_path, "My Shapes (2).zip", good_zip())
    expect(form_page.get_by_label("Name")).to_have_value("my-shapes-2")
    form_page.get_by_role("button", name="Upload").click()
    form_page.wait_for_url(re.compile(r"/datasets/\d+/$"))
    expect(form_page.get_by_role("heading", level=1)).to_contain_text("my-shapes-2")
    expect(form_page.get_by_text("Waiting for a worker")).to_be_visible()


def test_the_page_turns_ready_by_itself(form_page: Page, tmp_path: Path) -> None:
    from marketplace.datasets import services
    from marketplace.datasets.checking import check_archive
    from marketplace.storage import fetch

    choose(form_page, tmp_path, "shapes.zip", good_zip())
    form_page.get_by_role("button", name="Upload").click()
    form_page.wait_for_url(re.compile(r"/datasets/\d+/$"))
    version = DatasetVersion.objects.get()
    archive = fetch(version.archive_key, tmp_path / "work" / "a.zip")
    services.accept_version(version, check_archive(archive, tmp_path / "work", lambda told: None, max_pictures=100))
    expect(form_page.get_by_role("button", name="Order a run")).to_be_visible()
    expect(form_page.get_by_role("img", name=re.compile("Up to eight pictures of each class"))).to_be_visible()
    assert barriers(form_page) == []


def test_a_file_that_is_no_zip_is_named_before_it_is_sent(form_page: Page, tmp_path: Path) -> None:
    choose(form_page, tmp_path, "shapes.rar", b"Rar!")
    expect(form_page.get_by_role("alert")).to_contain_text("“shapes.rar” is not a ZIP.")
    choose(form_page, tmp_path, "shapes.zip", b"not one at all")
    expect(form_page.get_by_role("alert")).to_contain_text("is called .zip but is not a ZIP archive")
    form_page.get_by_role("button", name="Upload").click()
    expect(form_page.get_by_role("alert")).to_be_visible()
    assert not DatasetVersion.objects.exists()
    choose(form_page, tmp_path, "good.zip", good_zip())
    expect(form_page.get_by_role("alert")).to_be_hidden()


def test_the_sites_refusal_is_shown_in_the_form(form_page: Page, tmp_path: Path) -> None:
    choose(form_page, tmp_path, "secret.zip", encrypted_zip())
    form_page.get_by_role("button", name="Upload").click()
    expect(form_page.get_by_role("alert")).to_contain_text("This ZIP is encrypted with a password.")
    expect(form_page.get_by_role("button", name="Upload")).to_be_enabled()


def test_a_stopped_upload_leaves_nothing(form_page: Page, tmp_path: Path, files_dir: Path) -> None:
    form_page.route("**/datasets/new", lambda route: None)  # a site that does not answer
    choose(form_page, tmp_path, "slow.zip", good_zip())
    form_page.get_by_role("button", name="Upload").click()
    expect(form_page.get_by_role("progressbar")).to_be_visible()
    form_page.get_by_role("button", name="Stop").click()
    expect(form_page.get_by_role("alert")).to_have_text("Stopped. Nothing was stored.")
    assert files_in(files_dir) == []


def test_the_form_works_without_scripts(browser: Browser, live_server: Any, transactional_db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("ann"))
    context = browser.new_context(java_script_enabled=False)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/datasets/new")
    page.get_by_label("Name").fill("plain")
    file = {"name": "a.zip", "mimeType": "application/zip", "buffer": good_zip()}
    page.get_by_label("ZIP file").set_input_files(files=[file])  # type: ignore[list-item]
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url(re.compile(r"/datasets/\d+/$"))
    context.close()
    assert DatasetVersion.objects.get().dataset.name == "plain"
