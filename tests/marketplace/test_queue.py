"""A message only wakes: where no broker takes it, nothing else happens."""

from __future__ import annotations

import logging

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from marketplace import queue


def test_a_worker_is_woken_once_the_transaction_is_through(transactional_db: None, woken: list[str]) -> None:
    with transaction.atomic():
        queue.wake("cpu")
        assert woken == []
    assert woken == ["cpu"]


def test_without_a_broker_the_reaper_will_find_the_work(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise OperationalError("refused")

    monkeypatch.setattr(queue.app, "send_task", refused)
    with caplog.at_level(logging.WARNING, "atoll.queue"):
        queue.send("cpu")
    assert "no wake-up sent for cpu" in caplog.text
