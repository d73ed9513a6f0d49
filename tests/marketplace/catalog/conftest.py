"""What tests of the catalogue share."""

from __future__ import annotations

import pytest

from tests.marketplace.clients import ReadingClient


@pytest.fixture
def client() -> ReadingClient:
    """Return a stranger's browser."""
    return ReadingClient()
