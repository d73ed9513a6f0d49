"""One supervised program: how it starts, how one knows that it is ready, how it ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from workers.processes import die_with_parent, kill_group

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 20.0
"""How long the supervisor waits before it starts a program that died again; doubled each time it dies young."""
YOUNG_S = 30.0


@dataclass
class Service:
    """A program that is kept running."""

    name: str
    command: Sequence[str]
    log_path: Path
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = FIRST_PAUSE_S
    started_at: float = 0.0
    start_again_at: float = 0.0

    def start(self) -> None:
        """Start it in a session of its own: Ctrl-C reaches the supervisor alone. It dies with the supervisor."""
        with self._log() as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=os.environ | self.env,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - the supervisor has one thread
            )
        self.started_at = time.monotonic()

    def _log(self) -> IO[bytes]:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        return self.log_path.open("ab")

    @property
    def running(self) -> bool:
        """Whether it runs at this moment."""
        return self.process is not None and self.process.poll() is None

    def keep_running(self) -> bool:
        """Start it again if it died and its pause is over; return whether it had died just now."""
        if self.running:
            return False
        now = time.monotonic()
        if self.process is not None:
            lived_s = now - self.started_at
            self.pause_s = FIRST_PAUSE_S if lived_s > YOUNG_S else min(LONGEST_PAUSE_S, self.pause_s * 2)
            self.start_again_at = now + self.pause_s
            kill_group(self.process.pid)  # what it leaves behind must not work beside its successor
            self.process = None
            return True
        if now >= self.start_again_at:
            self.start()
        return False

    def ask_to_end(self) -> None:
        """Ask it to end, without waiting."""
        if self.process is not None and self.running:
            self.process.terminate()

    def make_end(self, patience_s: float) -> None:
        """Wait until it has ended; after a while, make it."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience_s)
        kill_group(self.process.pid)
        self.process.wait()

    def log_tail(self, lines: int = 15) -> str:
        """Return the end of its log, for people."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])


def wait_until(ready: Callable[[], bool], timeout_s: float) -> bool:
    """Look twenty times a second whether something is so."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if ready():
            return True
        time.sleep(0.05)
    return ready()
