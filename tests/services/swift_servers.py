"""Run by Swift's own Python: build the rings in a folder, then become Swift's four servers.

    .uv/swift/bin/python tests/services/swift_servers.py FOLDER ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT

They are forked from one process that has loaded Swift, which takes a third of the time of four starts.
"""

import ctypes
import os
import signal
import sys

import swift.account.server
import swift.common.middleware.catch_errors
import swift.common.middleware.container_quotas
import swift.common.middleware.copy
import swift.common.middleware.dlo
import swift.common.middleware.gatekeeper
import swift.common.middleware.listing_formats
import swift.common.middleware.memcache
import swift.common.middleware.s3api.s3api
import swift.common.middleware.slo
import swift.common.middleware.tempauth
import swift.container.server
import swift.obj.server
import swift.proxy.server  # noqa: F401
from swift.common.ring import RingBuilder
from swift.common.wsgi import run_wsgi

STORES = ("account", "container", "object")
PR_SET_PDEATHSIG = 1


def build_ring(folder: str, kind: str, port: int) -> None:
    """Say that everything lies on the one disk behind the one server."""
    builder = RingBuilder(4, 1, 1)
    place = {"id": 0, "ip": "127.0.0.1", "port": port, "device": "disk", "weight": 1, "region": 1, "zone": 1}
    builder.add_dev(place | {"replication_ip": "127.0.0.1", "replication_port": port, "meta": ""})
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{kind}.ring.gz")


def serve(folder: str, kind: str) -> int:
    """Start a server in a process of its own, which dies with this one; return its id."""
    pid = os.fork()
    if not pid:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os._exit(run_wsgi(f"{folder}/{kind}.conf", f"{kind}-server", verbose=True) or 0)
    return pid


def main() -> None:
    """Serve until killed, or until one of the servers ends."""
    folder, ports = sys.argv[1], sys.argv[2:]
    for kind, port in zip(STORES, ports, strict=True):
        build_ring(folder, kind, int(port))
    for kind in (*STORES, "proxy"):
        serve(folder, kind)
    pid, status = os.wait()
    sys.exit(f"Swift's process {pid} ended with {status}")


if __name__ == "__main__":
    main()
