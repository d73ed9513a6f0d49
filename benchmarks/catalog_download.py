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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20
LARGE_BYTES = 256 * MIB
SMALL_BYTES = 400 * 1024
SECONDS = 1.5
ROUNDS = 3
"""The servers take turns, and the best of the rounds counts: other work on the machine then hurts them alike."""
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


@dataclass
class Server:
    """Something that serves the files, and what was seen of it."""

    name: str
    command: list[str]
    port: int
    base: str
    process: psutil.Process | None = None
    idle_mib: float = 0.0
    best: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Scene → highest rate, highest memory in MiB."""

    def path(self, file: str) -> str:
        """Return the address of large.bin or small.bin."""
        return self.base + file


@dataclass(frozen=True)
class Scene:
    """What is fetched, by how many at once, and what is counted."""

    title: str
    file: str
    clients: int
    unit: str
    headers: dict[str, str] = field(default_factory=dict)


SCENES = (
    Scene("256 MiB, 1 at once", "large.bin", 1, "MiB/s"),
    Scene("256 MiB, 4 at once", "large.bin", 4, "MiB/s"),
    Scene("400 KiB, 4 at once", "small.bin", 4, "files/s"),
    Scene("304 (known by ETag), 4 at once", "small.bin", 4, "answers/s", {"If-None-Match": "*"}),
    Scene("last MiB of 256, 4 at once", "large.bin", 4, "parts/s", {"Range": f"bytes={LARGE_BYTES - MIB}-"}),
)


def play(server: Server, scene: Scene) -> None:
    """Measure a scene once more and keep the best; plainer servers know neither ETags nor ranges."""
    process = server.process
    if process is None or (scene.headers and server.name != "Atoll"):
        return
    address = server.path(scene.file)
    rate, mib_s, peak = watched(process, lambda: load(server.port, address, scene.clients, scene.headers))
    seen = mib_s if scene.unit == "MiB/s" else rate
    before = server.best.get(scene.title, (0.0, 0.0))
    server.best[scene.title] = (max(before[0], seen), max(before[1], peak))


def lines_of(servers: list[Server]) -> list[str]:
    """Return the table."""
    lines = ["| what is fetched | server | rate | memory, idle → peak |", "|---|---|---|---|"]
    for scene in SCENES:
        for server in servers:
            if scene.title in server.best:
                rate, peak = server.best[scene.title]
                memory = f"{server.idle_mib:.0f} → {peak:.0f} MiB"
                lines.append(f"| {scene.title} | {server.name} | {rate:,.0f} {scene.unit} | {memory} |")
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

    servers = [
        Server("Atoll", gunicorn("marketplace.wsgi", port := free_port()), port, "/bench/model/resolve/main/"),
        Server("Django FileResponse", gunicorn("plain_app", port := free_port()), port, "/plain/"),
        Server("python -m http.server", plain_server(port := free_port()), port, "/"),
    ]
    with ExitStack() as running:
        for server in servers:
            server.process = running.enter_context(serving(server.command, server.port, env, folder))
            fetch(http.client.HTTPConnection("127.0.0.1", server.port), server.path("small.bin"), {})
            server.idle_mib = resident_mib(server.process)
        for scene in SCENES:
            for _ in range(ROUNDS):
                for server in servers:
                    play(server, scene)
    return lines_of(servers)


def gunicorn(app: str, port: int) -> list[str]:
    """Return the supervisor's way to start a site."""
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8", "--workers", "1"]
    return [sys.executable, "-m", "gunicorn", app, *options, "--log-level", "error"]


def plain_server(port: int) -> list[str]:
    """Return Python's own file server."""
    return [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--protocol", "HTTP/1.1"]


def write(lines: list[str], busy: float) -> None:
    """Put the table under its heading in RESULTS.md, in place of an older one.

    Args:
        lines: the table.
        busy: how many processes wanted a core when it began (load average).
    """
    path = ROOT / "benchmarks" / "RESULTS.md"
    text = path.read_text() if path.exists() else "# Results\n"
    section = f"## catalog\n\n`benchmarks/catalog_download.py`, client and server on the same {os.cpu_count()} cores; "
    section += f"{busy:.1f} other processes wanted a core meanwhile.\n\n"
    section += "\n".join(lines) + "\n"
    text = re.sub(r"## catalog\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL).rstrip() + "\n\n" + section
    path.write_text(text)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    wanted = parser.parse_args()
    folder, busy = Path(tempfile.mkdtemp(prefix="atoll-bench-")), os.getloadavg()[0]
    try:
        lines = table(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(lines))
    if wanted.write:
        write(lines, busy)


if __name__ == "__main__":
    main()
