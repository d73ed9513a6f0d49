"""Processes that die with the one that started them, also after kill -9."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
"""Source: prctl(2)."""


def die_with_parent(signal_number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent ends; exec keeps the wish."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)


def leave_if_orphaned(parent_pid: int) -> None:
    """End at once if the parent ended before the wish was made."""
    if os.getppid() != parent_pid:
        os._exit(1)


def kill_group(pid: int) -> None:
    """Kill a process and everything it started; one that has ended is no error."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
