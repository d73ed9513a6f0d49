"""The door to the workers: the Celery app and the names of its tasks. A message only wakes; the row says what to do."""

from __future__ import annotations

import logging

from celery import Celery
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger("atoll.queue")

WORK = "atoll.work"
"""Take the next waiting step that needs what the queue is named after."""
REAP = "atoll.reap"
"""Hand work that fell silent to another worker, and wake for work whose message was lost."""

app = Celery("atoll")
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_timeout=2,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_connect_timeout": 2},
    task_ignore_result=True,
    task_acks_late=False,  # a lost message costs nothing: the reaper finds the row
    task_default_queue="cpu",
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    timezone="UTC",
)


def wake(needs: str) -> None:
    """Once the transaction is through, wake a worker that has what is needed; without a broker the reaper will."""
    transaction.on_commit(lambda: send(needs))


def send(needs: str) -> None:
    """Send the wake-up now."""
    try:
        app.send_task(WORK, args=[needs], queue=needs, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("no wake-up sent for %s, the reaper will find the work: %s", needs, error)
