"""What tests of the catalogue share."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.marketplace.clients import ReadingClient


@pytest.fixture
def client() -> ReadingClient:
    """Return a stranger's browser."""
    return ReadingClient()


@pytest.fixture(autouse=True)
def _with_settings(settings: Settings) -> None:
    """Have every test here serve static files by their plain names (see tests/conftest.py)."""
