"""One line that shows how far something is: rewritten in a terminal, printed now and then into a file."""

from __future__ import annotations

import sys
import time

WIDTH = 24
QUIET_S = 15.0


class StatusLine:
    """A bar, a percentage, what is happening, and the time left."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._terminal = sys.stdout.isatty()
        self._shown_at = 0.0
        self._open = False

    def show(self, share: float, doing: str = "", eta_s: float | None = None) -> None:
        """Show how far it is; outside a terminal at most every quarter of a minute."""
        now = time.monotonic()
        if not self._terminal and now - self._shown_at < QUIET_S:
            return
        self._shown_at, self._open = now, True
        full = round(WIDTH * min(max(share, 0.0), 1.0))
        left = f"  about {_duration(eta_s)} left" if eta_s else ""
        text = f"{self._title} {'█' * full}{'·' * (WIDTH - full)} {share:4.0%}  {doing}{left}"
        sys.stdout.write(f"\r\033[K{text}" if self._terminal else f"{text}\n")
        sys.stdout.flush()

    def end(self) -> None:
        """Leave the line, so that something else can be printed."""
        if self._open and self._terminal:
            sys.stdout.write("\n")
        self._open = False


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
