"""A real S3 server for tests: OpenStack Swift with its s3api, on one machine, in a folder of its own.

It verifies signatures and checksums, which moto does not. Swift lives in an environment of its own, `.uv/swift`
(see `install`), so that it never mixes with what the product needs; the only thing from Debian is memcached.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.processes import die_with_parent

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HOME = ROOT / ".uv" / "swift"
LOCK = HERE / "swift.txt"
ACCESS_KEY, SECRET_KEY, BUCKET = "atoll:tester", "a-secret-of-the-tests", "atoll-test"
STORES = ("account", "container", "object")
READY_TIMEOUT_S = 30.0

SWIFT_CONF = """
[swift-hash]
swift_hash_path_suffix = tests
[swift-constraints]
max_file_size = 5368709122
"""
STORE_CONF = """
[DEFAULT]
devices = {folder}/devices
mount_check = false
swift_dir = {folder}
user = {user}
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
disable_fallocate = true
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY_CONF = """
[DEFAULT]
swift_dir = {folder}
user = {user}
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth copy container-quotas slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached_port}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_atoll_tester = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:container-quotas]
use = egg:swift#container_quotas
[filter:slo]
use = egg:swift#slo
"""


class Missing(Exception):
    """The server cannot be started here; the text says what to install."""


@dataclass(frozen=True)
class Bucket:
    """An empty bucket of a running server, and how one comes in."""

    endpoint: str
    name: str = BUCKET
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which Atoll uses it."""
        return {
            "ATOLL_S3_BUCKET": self.name,
            "ATOLL_S3_ENDPOINT": self.endpoint,
            "ATOLL_S3_ACCESS_KEY": self.access_key,
            "ATOLL_S3_SECRET_KEY": self.secret_key,
        }

    def client(self, **options: Any) -> Any:
        """Return a boto3 client of it."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            **options,
        )

    def limit(self, byte_count: int | None) -> None:
        """Set or lift a quota on it, through Swift's own API: S3 has none."""
        who = {"X-Auth-User": self.access_key, "X-Auth-Key": self.secret_key}
        with urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/auth/v1.0", headers=who)) as answer:
            address, token = answer.headers["X-Storage-Url"], answer.headers["X-Auth-Token"]
        quota = "" if byte_count is None else str(byte_count)
        headers = {"X-Auth-Token": token, "X-Container-Meta-Quota-Bytes": quota}
        request = urllib.request.Request(f"{address}/{self.name}", method="POST", headers=headers)
        urllib.request.urlopen(request).close()

    def empty(self) -> None:
        """Remove whatever lies in it."""
        for key in self.stored_keys():
            self.client().delete_object(Bucket=self.name, Key=key)

    def stored_keys(self) -> list[str]:
        """Return what lies in it, and what somebody began to send in parts and did not end."""
        client = self.client()
        whole = client.list_objects_v2(Bucket=self.name).get("Contents", [])
        begun = client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])
        return [found["Key"] for found in [*whole, *begun]]


def install() -> None:
    """Put Swift into its own environment, locked by hashes."""
    uv = str(ROOT / ".uv" / "bin" / "uv")
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(HOME)], check=True)
    sync = [uv, "pip", "sync", "-q", "--require-hashes", "--python", str(HOME / "bin" / "python"), str(LOCK)]
    subprocess.run(sync, check=True)


def missing() -> str:
    """Return what this machine lacks for the server, or nothing."""
    if not (HOME / "bin" / "swift-proxy-server").exists():
        return "Swift is not installed: make test-services does it"
    return "" if shutil.which("memcached") else "memcached is not installed: apt-get install memcached"


def free_port() -> int:
    """Return a port of this machine that nobody listens to at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running() -> Iterator[Bucket]:
    """Start the server in a passing folder, lend an empty bucket of it, and leave nothing behind.

    Raises:
        Missing: if this machine lacks a part of it.
    """
    if missing():
        raise Missing(missing())
    from botocore.exceptions import ClientError

    folder = Path(tempfile.mkdtemp(prefix="atoll-swift-"))
    started: list[subprocess.Popen[bytes]] = []
    try:
        try:
            bucket = _begun(folder / "first", started)
        except ClientError:  # seen once, 400 without an S3 error: whoever answered was another server, or not ready
            _end(started)
            bucket = _begun(folder / "second", started)
        yield bucket
    finally:
        _end(started)
        shutil.rmtree(folder, ignore_errors=True)


def _begun(folder: Path, started: list[subprocess.Popen[bytes]]) -> Bucket:
    ports = dict(zip((*STORES, "proxy", "memcached"), _free_ports(len(STORES) + 2), strict=True))
    _write_settings(folder, ports)
    _start(folder, ports, started)
    _wait(started, ports, folder)
    bucket = Bucket(f"http://127.0.0.1:{ports['proxy']}")
    bucket.client().create_bucket(Bucket=bucket.name)
    return bucket


def _end(started: list[subprocess.Popen[bytes]]) -> None:
    while started:
        process = started.pop()
        process.kill()
        process.wait()


def _free_ports(count: int) -> list[int]:
    """Return different ports that nobody listens to: asked for one after the other, two may be the same."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _write_settings(folder: Path, ports: Mapping[str, int]) -> None:
    values = {"folder": folder, "user": _user()}
    (folder / "devices" / "disk").mkdir(parents=True)
    (folder / "swift.conf").write_text(SWIFT_CONF)
    for kind in STORES:
        (folder / f"{kind}.conf").write_text(STORE_CONF.format(**values, kind=kind, port=ports[kind]))
    proxy = PROXY_CONF.format(**values, port=ports["proxy"], memcached_port=ports["memcached"], secret=SECRET_KEY)
    (folder / "proxy.conf").write_text(proxy)


def _start(folder: Path, ports: Mapping[str, int], started: list[subprocess.Popen[bytes]]) -> None:
    memcached = ["memcached", "-l", "127.0.0.1", "-p", str(ports["memcached"]), "-U", "0", "-m", "64", "-u", _user()]
    servers = [str(HOME / "bin" / "python"), "-P", str(HERE / "swift_servers.py"), str(folder)]
    servers += [str(ports[kind]) for kind in STORES]
    for name, command in {"memcached": memcached, "swift": servers}.items():
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent
            )
        started.append(process)


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _wait(started: list[subprocess.Popen[bytes]], ports: Mapping[str, int], folder: Path) -> None:
    """Wait until all servers listen: the proxy puts aside for a minute a store that it did not reach."""
    end = time.monotonic() + READY_TIMEOUT_S
    while not all(listens(port) for port in ports.values()):
        if time.monotonic() > end or any(process.poll() is not None for process in started):
            logs = "\n".join(f"{log.name}:\n{log.read_text()[-1500:]}" for log in sorted(folder.glob("*.log")))
            raise RuntimeError(f"Swift did not start.\n{logs}")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Say whether something on this machine listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    install()
