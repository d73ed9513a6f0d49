"""Every page as people see it: a picture of each at 360 and 1440 px, light and dark, and what axe-core says of it.

    python benchmarks/pages_look.py [FOLDER]

Serves a site of its own with made-up rows (nothing is trained), and writes PNGs to FOLDER (default: /tmp/atoll-pages).
Needs Chromium (`apt-get install chromium`).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

WIDTHS = (360, 1440)
START_S = 30


def prepare(data_dir: str) -> dict[str, dict[str, str]]:
    """Make a database with something on every page; return the addresses for the signed-in person and for everybody."""
    os.environ["ATOLL_DATA_DIR"] = data_dir
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    from tests.e2e.scenes import build_scene

    scene = build_scene()
    return {"signed in": scene.pages, "open": scene.open_pages}


@contextmanager
def served(data_dir: str) -> Iterator[str]:
    """Give the address of a site over this data folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--threads", "4", "--log-level", "error"]
    server = subprocess.Popen(
        [*command, "marketplace.wsgi"],
        cwd=ROOT,
        env={**os.environ, "ATOLL_DATA_DIR": data_dir},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(base)
        yield base
    finally:
        server.terminate()
        server.wait()


def wait_for(base: str) -> None:
    """Return once the site answers."""
    for _ in range(START_S * 10):
        try:
            urllib.request.urlopen(f"{base}/account/login/").close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"No answer from {base} within {START_S} s.")


def sign_in(browser: Any, base: str) -> Any:
    """Return what the browser keeps after signing in."""
    from tests.e2e.browser import open_page
    from tests.factories import PASSWORD

    page, _ = open_page(browser)
    page.goto(f"{base}/account/login/")
    page.fill("[name=login]", "marina")
    page.fill("[name=password]", PASSWORD)
    page.click("main [type=submit]")
    page.wait_for_url(f"{base}/")
    return page.context.storage_state()


def look(browser: Any, base: str, pages: dict[str, str], folder: Path, state: Any) -> tuple[int, int]:
    """Photograph pages at every width in both colour schemes; return how many were seen, and how many have faults."""
    from tests.e2e.browser import barriers, open_page, overflow_px

    seen = faulty = 0
    for width in WIDTHS:
        for dark in (False, True):
            page, faults = open_page(browser, width, dark, state)
            for name, address in pages.items():
                faults.clear()
                page.goto(base + address)
                page.wait_for_timeout(300)
                page.screenshot(path=folder / f"{name}-{width}-{'dark' if dark else 'light'}.png", full_page=True)
                wrong = [fault for fault in faults if "404" not in fault or name != "nothing"] + barriers(page)
                wrong += [f"{overflow_px(page)} px too wide"] if overflow_px(page) else []
                seen, faulty = seen + 1, faulty + bool(wrong)
                print(f"{name:20} {width:5} px  {'dark ' if dark else 'light'}  {'; '.join(wrong) or 'ok'}")
            page.context.close()
    return seen, faulty


def main() -> None:
    """Photograph every page; fail if one has a fault."""
    from tests.e2e.browser import open_browser

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/atoll-pages")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="atoll-look-") as data_dir:
        pages = prepare(data_dir)
        with served(data_dir) as base, open_browser() as browser:
            inside = look(browser, base, pages["signed in"], folder, sign_in(browser, base))
            outside = look(browser, base, pages["open"], folder, None)
    seen, faulty = inside[0] + outside[0], inside[1] + outside[1]
    print(f"{seen} pictures in {folder}; {faulty} with faults (serious axe violations, overflow, console errors)")
    sys.exit(bool(faulty))


if __name__ == "__main__":
    main()
