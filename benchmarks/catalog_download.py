"""How fast, and in how much memory, the site hands out a release's files, beside plainer ways to serve a file.

Ours is the download address under the supervisor's own gunicorn settings; beside it Django's FileResponse in the same
gunicorn (no ETag, no ranges), and Python's http.server. Prints a table; `--write` puts it into RESULTS.md.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20
LARGE_BYTES = 256 * MIB
SMALL_BYTES = 400 * 1024
SECONDS = 4.0
LARGE, SMALL = "/bench/model/resolve/main/large.bin", "/bench/model/resolve/main/small.bin"
PLAIN_APP = """
import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
application = get_wsgi_application()
from django.http import FileResponse
from django.urls import path
import marketplace.urls
def plain(request, name):
    return FileResponse(open(os.path.join(os.environ["PLAIN_DIR"], name), "rb"))
marketplace.urls.urlpatterns.insert(0, path("plain/<str:name>", plain))
"""
FILL = """
import io, os, django
django.setup()
from pathlib import Path
from marketplace.accounts.models import User
from marketplace.catalog.models import Listing, Release, ReleaseFile
from marketplace.storage import store_path
user = User.objects.create(username="bench")
listing = Listing.objects.create(owner=user, name="model", title="Bench")
release = Release.objects.create(listing=listing, number=1, revision="a" * 40)
listing.latest = release
listing.save()
for name in ("large.bin", "small.bin"):
    kept = store_path(Path(os.environ["PLAIN_DIR"], name), "releases")
    ReleaseFile.objects.create(
        release=release, name=name, sha256=kept.sha256, byte_count=kept.byte_count, storage_key=kept.key
    )
"""


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int, env: dict[str, str], folder: Path) -> Iterator[psutil.Process]:
    """Run a server until it is not needed any more."""
    process = subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def resident_mib(process: psutil.Process) -> float:
    """Return the private memory of a tree of processes, so that shared pages count once."""
    tree = [process, *process.children(recursive=True)]
    return sum(one.memory_full_info().uss for one in tree) / MIB


def fetch(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> int:
    """Fetch and throw away; return how many bytes came."""
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    buffer, count = memoryview(bytearray(MIB)), 0
    while length := answer.readinto(buffer):
        count += length
    return count


def load(port: int, path: str, clients: int, headers: dict[str, str]) -> tuple[float, float]:
    """Return requests a second and MiB a second that several clients get in SECONDS."""
    done, stop = [(0, 0)] * clients, time.monotonic() + SECONDS

    def ask(position: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.monotonic() < stop:
            count = fetch(connection, path, headers)
            done[position] = (done[position][0] + 1, done[position][1] + count)
        connection.close()

    begin = time.monotonic()
    run_all([lambda position=position: ask(position) for position in range(clients)])  # type: ignore[misc]
    seconds = time.monotonic() - begin
    return sum(one for one, _ in done) / seconds, sum(count for _, count in done) / MIB / seconds


def run_all(acts: list[Callable[[], None]]) -> None:
    """Do everything at once and wait."""
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def watched(process: psutil.Process, act: Callable[[], tuple[float, float]]) -> tuple[float, float, float]:
    """Return what an act gives, and the server's highest memory meanwhile."""
    peak, over = resident_mib(process), threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.05):
            peak = max(peak, resident_mib(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    requests_s, mib_s = act()
    over.set()
    watcher.join()
    return requests_s, mib_s, peak


def measure(name: str, command: list[str], port: int, env: dict[str, str], folder: Path, base: str) -> list[str]:
    """Return the lines of the table for one server."""
    large, small = (LARGE, SMALL) if not base else (f"{base}large.bin", f"{base}small.bin")
    lines = []
    with serving(command, port, env, folder) as process:
        fetch(http.client.HTTPConnection("127.0.0.1", port), small, {})
        idle = resident_mib(process)
        for clients in (1, 4):
            _, mib_s, peak = watched(process, lambda clients=clients: load(port, large, clients, {}))  # type: ignore[misc]
            lines.append(f"| {name} | 256 MiB, {clients} at once | {mib_s:,.0f} MiB/s | {idle:.0f} → {peak:.0f} MiB |")
        rate, _, peak = watched(process, lambda: load(port, small, 4, {}))
        lines.append(f"| {name} | 400 KiB, 4 at once | {rate:,.0f} files/s | {idle:.0f} → {peak:.0f} MiB |")
        if not base:
            known = {"If-None-Match": "*"}
            rate, _, peak = watched(process, lambda: load(port, small, 4, known))
            lines.append(
                f"| {name} | 304 (known by ETag), 4 at once | {rate:,.0f} answers/s | {idle:.0f} → {peak:.0f} MiB |"
            )
            part = {"Range": f"bytes={LARGE_BYTES - MIB}-"}
            rate, _, peak = watched(process, lambda: load(port, large, 4, part))
            lines.append(f"| {name} | last MiB of 256, 4 at once | {rate:,.0f} parts/s | {idle:.0f} → {peak:.0f} MiB |")
    return lines


def table(folder: Path) -> list[str]:
    """Return the whole table."""
    (folder / "large.bin").write_bytes(os.urandom(MIB) * (LARGE_BYTES // MIB))
    (folder / "small.bin").write_bytes(os.urandom(SMALL_BYTES))
    (folder / "plain_app.py").write_text(PLAIN_APP)
    env = {
        **os.environ,
        "ATOLL_DATA_DIR": str(folder / "data"),
        "PLAIN_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "PYTHONPATH": f"{ROOT}:{folder}",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=env, check=True)
    subprocess.run([sys.executable, "-c", FILL], cwd=ROOT, env=env, check=True)
    (folder / "data" / "static").mkdir(exist_ok=True)

    def gunicorn(app: str, port: int) -> list[str]:
        options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8", "--workers", "1"]
        return [sys.executable, "-m", "gunicorn", app, *options, "--log-level", "error"]

    lines = ["| server | what is fetched | rate | memory, idle → peak |", "|---|---|---|---|"]
    port = free_port()
    lines += measure("Atoll", gunicorn("marketplace.wsgi", port), port, env, ROOT, "")
    port = free_port()
    lines += measure("Django FileResponse", gunicorn("plain_app", port), port, env, folder, "/plain/")
    port = free_port()
    peer = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--protocol", "HTTP/1.1"]
    lines += measure("python -m http.server", peer, port, env, folder, "/")
    return lines


def write(lines: list[str]) -> None:
    """Put the table under its heading in RESULTS.md, in place of an older one."""
    path = ROOT / "benchmarks" / "RESULTS.md"
    text = path.read_text() if path.exists() else "# Results\n"
    section = "## catalog\n\n`benchmarks/catalog_download.py`, client and server on the same two cores.\n\n"
    section += "\n".join(lines) + "\n"
    text = re.sub(r"## catalog\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL).rstrip() + "\n\n" + section
    path.write_text(text)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="atoll-bench-"))
    try:
        lines = table(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(lines))
    if wanted.write:
        write(lines)


if __name__ == "__main__":
    main()
