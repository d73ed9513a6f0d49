"""Start a worker: look at what this machine has, then become Celery's worker that listens for just that."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from django.conf import settings  # noqa: E402

from workers.abilities import Abilities  # noqa: E402
from workers.readiness import refuse_unless_ready  # noqa: E402


def main() -> None:
    """Replace this process with the worker."""
    refuse_unless_ready()
    abilities = Abilities.found_here()
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker"]
    command += ["--pool", "prefork", "--loglevel", "warning"]
    command += ["--concurrency", str(settings.WORKER_PROCESSES), "--queues", ",".join(abilities.queues)]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    os.execve(sys.executable, command, os.environ | abilities.to_environment())  # noqa: S606 - a list, no shell


if __name__ == "__main__":
    main()
