"""What tests of runs share."""

from __future__ import annotations

import pytest

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from tests.factories import make_user, make_version
from tests.marketplace.clients import ReadingClient


@pytest.fixture
def owner(db: None) -> User:
    return make_user("marina")


@pytest.fixture
def version(owner: User) -> DatasetVersion:
    side = {"min": 90, "median": 100, "max": 120}
    statistics = {"pictures": 90, "splits": {"train": 60, "validation": 15, "test": 15}}
    return make_version(owner, "corals", statistics={**statistics, "width_px": side, "height_px": side})


@pytest.fixture
def client(owner: User) -> ReadingClient:
    """Return the owner's browser."""
    browser = ReadingClient()
    browser.force_login(owner)
    return browser


@pytest.fixture
def stranger(db: None) -> ReadingClient:
    """Return the browser of somebody else who is signed in."""
    browser = ReadingClient()
    browser.force_login(make_user("otto"))
    return browser
