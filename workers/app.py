"""What `celery -A workers.app` runs: the site's queue, our tasks, and a worker that announces what it has."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import asdict
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from celery.signals import worker_process_init, worker_ready, worker_shutting_down  # noqa: E402
from django.db import DatabaseError, close_old_connections  # noqa: E402

from marketplace.devices.services import announce_worker, hear_from_worker  # noqa: E402
from marketplace.queue import app  # noqa: E402
from workers.abilities import Abilities, backbones_here, bring_usual_backbone  # noqa: E402
from workers.processes import die_with_parent  # noqa: E402
from workers.schedule import SCHEDULE  # noqa: E402
from workers.steps.engine import engine  # noqa: E402
from workers.tasks import worker_name  # noqa: E402
from workers.tidying import tidy  # noqa: E402

__all__ = ["app"]

ANNOUNCE_EVERY_S = 10
TIDY_EVERY_S = 300
app.conf.beat_schedule = SCHEDULE
_leaving = threading.Event()


@worker_process_init.connect
def begin_pool_process(**_: Any) -> None:
    """A pool process dies with its worker, also after kill -9, and its job process with it."""
    die_with_parent()


@worker_ready.connect
def begin_worker(**_: Any) -> None:
    """Tell the site what this machine can do, and go on telling that it is there."""
    abilities = Abilities.from_environment()
    announce_worker(name=worker_name(), **asdict(abilities))
    threading.Thread(target=_go_on_telling, name="announcer", daemon=True).start()
    threading.Thread(target=bring_usual_backbone, name="weights", daemon=True).start()


def _go_on_telling() -> None:
    tidied_at = float("-inf")
    while not _leaving.wait(ANNOUNCE_EVERY_S):
        try:
            hear_from_worker(name=worker_name(), backbones=backbones_here())
            if time.monotonic() - tidied_at > TIDY_EVERY_S:
                tidy()
                tidied_at = time.monotonic()
        except DatabaseError:
            close_old_connections()


@worker_shutting_down.connect
def end_worker(**_: Any) -> None:
    """Stop telling; what is in work is taken over once its lease ends."""
    _leaving.set()
    engine.close()
