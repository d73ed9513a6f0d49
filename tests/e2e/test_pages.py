"""The pages in a real browser: nothing cut off, no script fails, everybody can use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from marketplace.runs.models import Run, Trial
from tests.e2e.browser import barriers, chromium_path, open_browser, open_page, overflow_px
from tests.e2e.scenes import Scene, build_scene, report
from tests.factories import PASSWORD, make_version

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="no chromium here: apt-get install chromium"),
]
EXPECTED_STATUS = {"nothing": 404}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    return build_scene()


def signed_in(browser: Browser, base: str, scene: Scene) -> Any:
    """Sign in through the page; return what the browser then keeps."""
    page, faults = open_page(browser)
    page.goto(f"{base}/account/login/")
    page.get_by_label("Username or e-mail address").fill(scene.person.username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Notices, 1 unread")).to_be_visible()
    state = page.context.storage_state()
    page.context.close()
    assert faults == []
    return state


def what_is_wrong(page: Page, faults: list[str], base: str, pages: dict[str, str]) -> list[str]:
    """Open every page; return what is wrong with each."""
    wrong = []
    for name, address in pages.items():
        faults.clear()
        answer = page.goto(base + address)
        page.wait_for_load_state("networkidle") if name == "order" else None
        status = answer.status if answer else 0
        if status != EXPECTED_STATUS.get(name, 200):
            wrong.append(f"{name}: status {status}")
        page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
        if overflow_px(page):
            wrong.append(f"{name}: {overflow_px(page)} px wider than the window")
        wrong += [f"{name}: {fault}" for fault in faults if status == 200]
        wrong += [f"{name}: {barrier}" for barrier in barriers(page)]
    return wrong


@pytest.mark.parametrize(("width", "dark"), [(360, False), (1440, True)])
def test_every_page_fits_works_and_is_open_to_everybody(
    live_server: Any, browser: Browser, scene: Scene, width: int, dark: bool
) -> None:
    state = signed_in(browser, live_server.url, scene)
    page, faults = open_page(browser, width, dark, state)
    wrong = what_is_wrong(page, faults, live_server.url, scene.pages)
    page.context.close()
    page, faults = open_page(browser, width, dark)
    wrong += what_is_wrong(page, faults, live_server.url, scene.open_pages)
    page.context.close()
    assert wrong == [], "\n".join(wrong)


def test_a_new_person_signs_up_and_orders_a_run(live_server: Any, browser: Browser, transactional_db: None) -> None:
    page, faults = open_page(browser, 360)
    page.goto(f"{live_server.url}/account/signup/")
    page.get_by_label("Username").fill("nerea")
    page.get_by_label("Password").fill("tide-pool-31-x")
    page.get_by_role("button", name="Make my account").click()
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("button", name="Order your first run").click()
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()

    from marketplace.accounts.models import User

    make_version(User.objects.get(username="nerea"), "shells")
    page.reload()
    expect(page.get_by_text("The fastest network that could be tried needs")).to_be_visible()
    page.get_by_label("Latency limit").fill("0.01")
    expect(page.get_by_text("no network can meet it")).to_be_visible()
    page.get_by_label("Coral USB Accelerator, USB 2", exact=True).check()
    page.get_by_label("Trials").fill("2")
    page.get_by_role("button", name="Start the search").click()
    expect(page.get_by_text("the fastest for")).to_be_visible()
    expect(page.get_by_label("Latency limit")).to_have_value("0.01")
    expect(page.get_by_label("Coral USB Accelerator, USB 2", exact=True)).to_be_checked()

    page.get_by_label("Latency limit").fill("9")
    page.get_by_role("button", name="Start the search").click()
    expect(page.get_by_role("heading", name="Run")).to_be_visible()
    run = Run.objects.get()
    assert (run.latency_limit_ms, run.device, run.trials.count()) == (9.0, "usb2", 2)
    page.get_by_text("Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_text("The run is cancelled.")).to_be_visible()
    page.context.close()
    assert [fault for fault in faults if "422" not in fault] == []


def test_an_open_run_page_follows_the_run_and_leaves_people_where_they_are(
    live_server: Any, browser: Browser, scene: Scene
) -> None:
    run = scene.searching
    assert run is not None
    page, faults = open_page(browser, state=signed_in(browser, live_server.url, scene))
    page.goto(f"{live_server.url}/runs/{run.pk}/")
    page.get_by_text("Cancel", exact=True).click()
    point = page.locator("#point-1")
    point.focus()

    trial = run.trials.get(number=4)
    report(trial, epoch=29)
    expect(page.get_by_text("Trial 4: training, epoch 30 of 30")).to_be_visible()
    Trial.objects.filter(pk=trial.pk).update(
        status=Trial.Status.DONE, validation_accuracy=0.991, float_accuracy=0.992, seconds=50
    )
    expect(page.locator("#trial-4")).to_contain_text("99.1 %")
    expect(page.locator("#point-4")).to_be_visible()
    expect(point).to_be_focused()
    expect(page.get_by_role("button", name="Cancel the run")).to_be_visible()

    page.locator("#point-4").click()
    expect(page).to_have_url(f"{live_server.url}/runs/{run.pk}/#trial-4")
    page.get_by_role("button", name="Stop, keep the best").click()
    expect(page.get_by_text("No further trial starts; the best is kept.")).to_be_visible()

    Run.objects.filter(pk=run.pk).update(status=Run.Status.FAILED, failure="The worker is gone.")
    expect(page.get_by_role("alert")).to_have_text("The worker is gone.")
    expect(page.locator("#run-poll")).not_to_have_attribute("hx-trigger", "every 2s")
    page.context.close()
    assert faults == []


def test_the_keyboard_reaches_the_content_first(live_server: Any, browser: Browser, scene: Scene) -> None:
    page, _ = open_page(browser, 360)
    page.goto(live_server.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.context.close()
