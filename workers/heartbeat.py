"""Keeps a lease alive while its step is worked on, and notices when it is lost."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from marketplace.work import lifecycle

log = logging.getLogger("atoll.worker")


class Heartbeat:
    """Renews a lease every `settings.HEARTBEAT_S` seconds with the latest progress, from a thread of its own."""

    def __init__(self, lease: lifecycle.Lease) -> None:
        self.lease = lease
        self._progress: dict[str, Any] | None = None
        self._lost = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat of step {lease.step_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def report(self, progress: dict[str, Any]) -> None:
        """Have this shown to people from the next beat on."""
        self._progress = progress

    def wanted(self) -> bool:
        """Whether the step is still ours and nobody cancelled it."""
        return not self._lost.is_set()

    def _beat(self) -> None:
        try:
            while not self._ended.wait(settings.HEARTBEAT_S):
                if not self._renew():
                    self._lost.set()
                    return
        finally:
            connection.close()

    def _renew(self) -> bool:
        try:
            return lifecycle.renew(self.lease, self._progress)
        except (
            DatabaseError
        ) as error:  # a database that is away for a moment does not end the work; the fence guards the row
            log.warning("the lease of step %s was not renewed: %s", self.lease.step_id, error)
            close_old_connections()
            return True
