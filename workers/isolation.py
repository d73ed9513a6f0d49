"""Shut a process off before it opens a stranger's model: no network, no files but its own, nothing of other processes.

Three locks, each where the kernel has it: a filter of system calls (seccomp) and, as root, a network namespace of its
own keep it off the network; Landlock keeps it to the folders that it is given. All three hold for whatever it starts.
Source: seccomp(2), landlock(7), unshare(2); call numbers from the kernel's tables for x86-64 and AArch64.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
CLONE_NEWNET = 0x40000000
EPERM = 1

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
FORBIDDEN_CALLS: dict[str, dict[str, int]] = {
    "x86_64": {
        "socket": 41,
        "connect": 42,
        "bind": 49,
        "ptrace": 101,
        "mount": 165,
        "add_key": 248,
        "keyctl": 250,
        "unshare": 272,
        "perf_event_open": 298,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "bpf": 321,
        "userfaultfd": 323,
        "io_uring_setup": 425,
        "pidfd_getfd": 438,
    },
    "aarch64": {
        "mount": 40,
        "unshare": 97,
        "ptrace": 117,
        "socket": 198,
        "bind": 200,
        "connect": 203,
        "add_key": 217,
        "keyctl": 219,
        "perf_event_open": 241,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "bpf": 280,
        "userfaultfd": 282,
        "io_uring_setup": 425,
        "pidfd_getfd": 438,
    },
}
"""What leads to the network, into another process or around the other locks; io_uring would do it unseen."""
X32_CALLS = 0x40000000
LOAD, JUMP_EQUAL, JUMP_FROM, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | EPERM

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
READING = EXECUTE | READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15
RIGHTS_BY_VERSION = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 5: 1 << 16}
"""Below this bit are the rights over files that each version of Landlock knows."""

SYSTEM = tuple(
    Path(path)
    for path in (
        *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", sys.prefix, sys.base_prefix),
        *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu"),
        *("/dev/urandom", "/dev/random", "/dev/zero"),
    )
)
"""What Python and TensorFlow read: programs, facts of the machine. All of /proc would show other processes' secrets."""
SINK = Path("/dev/null")

_libc = ctypes.CDLL(None, use_errno=True)


def isolate(writable: Path, readable: Iterable[Path], listable: Iterable[Path] = ()) -> list[str]:
    """Lock this process up for good and return the locks that hold: "namespace", "seccomp", "landlock".

    Call it while the process has one thread.

    Args:
        writable: the only folder that it may change.
        readable: files and folders that it may read beside it and beside `SYSTEM`.
        listable: folders of which it may read the names of files.
    """
    locks = []
    if _libc.unshare(CLONE_NEWNET) == 0:
        locks.append("namespace")
    if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return locks
    if _restrict_files(writable, readable, listable):
        locks.append("landlock")
    if _filter_calls():
        locks.append("seccomp")
    return locks


def without_network(locks: Iterable[str]) -> bool:
    """Whether these locks keep a process off the network."""
    return bool({"namespace", "seccomp"} & set(locks))


def _filter_calls() -> bool:
    machine = platform.machine()
    if machine not in AUDIT_ARCH:
        return False
    program = _program(AUDIT_ARCH[machine], sorted(FORBIDDEN_CALLS[machine].values()))
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return bool(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(header), 0, 0) == 0)


def _program(arch: int, calls: list[int]) -> bytes:
    """Return the filter: another machine's calls and those that are listed fail with EPERM, all others pass."""
    refuse = len(calls) + 5
    steps = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 0, refuse - 2, arch), (LOAD, 0, 0, 0), (JUMP_FROM, refuse - 4, 0, X32_CALLS)]
    steps += [(JUMP_EQUAL, refuse - 5 - at, 0, call) for at, call in enumerate(calls)]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _restrict_files(writable: Path, readable: Iterable[Path], listable: Iterable[Path]) -> bool:
    version = _libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    rights = (RIGHTS_BY_VERSION[max(known for known in RIGHTS_BY_VERSION if known <= version)]) - 1
    network, scoped = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    attributes = struct.pack("QQQ", rights, network, scoped)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _libc.syscall(CREATE_RULESET, ctypes.c_char_p(attributes), len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        allowed = [_allow(ruleset, writable, rights), _allow(ruleset, SINK, READ_FILE | WRITE_FILE)]
        allowed += [_allow(ruleset, path, READING) for path in (*SYSTEM, *readable)]
        allowed += [_allow(ruleset, path, READ_DIR) for path in listable]
        return all(allowed) and _libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> bool:
    """Allow rights beneath a path; one that does not exist needs none."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        rights = rights if path.is_dir() else rights & OF_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        return bool(_libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.c_char_p(rule), 0) == 0)
    finally:
        os.close(descriptor)
