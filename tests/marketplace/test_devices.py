from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.devices.queries import a_worker_started_since
from marketplace.devices.services import announce_worker, hear_from_worker

pytestmark = pytest.mark.django_db


def test_a_worker_of_before_is_not_one_that_has_started_since_however_lately_it_was_heard_of() -> None:
    before = timezone.now() - timedelta(seconds=1)
    assert not a_worker_started_since(before)
    announce_worker(name="reef", compiler="", edge_tpus=[])
    assert a_worker_started_since(before)
    later = timezone.now() + timedelta(seconds=1)
    hear_from_worker(name="reef", backbones=[])
    assert not a_worker_started_since(later)
