"""What every test may ask for; the environment is set before, in tests/environment.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED_DIR = Path(os.environ.get("ATOLL_SHARED_DIR", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real data that lies beside the project."""
    if not (SHARED_DIR / "data").is_dir():
        pytest.skip(f"no real data at {SHARED_DIR}: set ATOLL_SHARED_DIR")
    return SHARED_DIR


@pytest.fixture(autouse=True)
def _plain_static_files(request: pytest.FixtureRequest) -> None:
    """Serve static files by their plain names: tests need no collectstatic."""
    if "settings" not in request.fixturenames and not _uses_django(request):
        return
    settings = request.getfixturevalue("settings")
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True)
def woken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What workers were woken for: no broker runs here, and each message would wait two seconds for one."""
    needs: list[str] = []
    if request.node.get_closest_marker("django_db") or _uses_django(request):
        monkeypatch.setattr("marketplace.queue.send", needs.append)
    return needs


def _uses_django(request: pytest.FixtureRequest) -> bool:
    return any(name in request.fixturenames for name in ("db", "transactional_db", "client", "live_server"))
