"""The whole main job as a client of a running site: upload, order, watch, publish, subscribe, download.

    python -m atoll_client.demo http://127.0.0.1:8000 FOLDER

DATASET, LATENCY_MS and TRIALS in the environment choose other pictures, another limit, more trials. Nothing here goes
round the site: everything is sent to the addresses that every user has.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from atoll_client.digits import pack_digits
from atoll_client.http import Site, SiteError
from atoll_client.status_line import StatusLine

SCOPES = ["read", "datasets:write", "runs:write", "models:publish"]
POLL_S = 1.0
ENDED = ("done", "failed", "cancelled")
DIGITS_PX, FROM_SCRATCH = 32, ""
"""Digits are learned from nothing in a minute; own pictures begin with published weights where the site has them."""
DEVBOARD_ONCHIP_BYTES = int(7.7 * 2**20)


@dataclass(frozen=True)
class Order:
    """What the demo asks for."""

    dataset: Path | None
    latency_ms: float
    trials: int
    image_px: int | None
    """None for what suits the pictures."""

    @classmethod
    def from_environment(cls) -> Order:
        """Read DATASET, LATENCY_MS, TRIALS and IMAGE_PX; digits need little, own pictures get more."""
        dataset = Path(os.environ["DATASET"]).expanduser() if os.environ.get("DATASET") else None
        if dataset is not None and not dataset.is_file():
            raise SystemExit(f"There is no file {dataset}. DATASET names a ZIP of class folders.")
        return cls(
            dataset,
            latency_ms=_number("LATENCY_MS", 1.5 if dataset is None else 3.0),
            trials=int(_number("TRIALS", 4 if dataset is None else 8)),
            image_px=int(_number("IMAGE_PX", 0 if dataset else DIGITS_PX)) or None,
        )


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable, "")
    try:
        return float(text) if text else default
    except ValueError:
        raise SystemExit(f"{variable} must be a number, and “{text}” is none.") from None


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def come_in(address: str, name: str, keep: Path) -> tuple[Site, str]:
    """Sign in with the password of an earlier demo, or sign up; return the site with a token, and the password."""
    known: dict[str, str] = json.loads(keep.read_text()) if keep.exists() else {}
    known.setdefault(name, secrets.token_urlsafe(9))
    keep.touch(mode=0o600)
    keep.write_text(json.dumps(known))  # before the account is made: a demo that is killed can come in again
    person, site = Site(address), Site(address)
    try:
        person.sign_in(name, known[name])
    except SiteError:
        person = Site(address)
        person.sign_up(name, known[name])
    site.token = person.make_token(f"demo {time.strftime('%Y-%m-%d %H:%M:%S')}", SCOPES)
    return site, known[name]


def upload(site: Site, archive: Path, name: str) -> dict[str, Any]:
    """Send the ZIP and wait until it is checked; a ZIP that the site has already is used again."""
    line = StatusLine("Upload")
    try:
        version = site.upload("/api/datasets", {"name": name}, archive, lambda sent, total: line.show(sent / total))
    except SiteError as error:
        if error.status != 409:
            raise
        same = next(found for found in site.get("/api/datasets") if found["name"] == name)
        version = site.get(f"/api/datasets/{same['id']}")
        say(f"  {error}")
    while version["status"] == "checking":
        progress = version.get("progress") or {}
        line.show((progress.get("done") or 0) / (progress.get("total") or 1), progress.get("phase", "Waiting"))
        time.sleep(POLL_S)
        version = site.get(f"/api/datasets/{version['id']}")
    line.end()
    if version["status"] != "ready":
        raise SystemExit(f"The dataset was refused: {version['refusal']}")
    return dict(version)


def search(site: Site, version: dict[str, Any], order: Order) -> dict[str, Any]:
    """Order a run and watch it to its end."""
    run = site.post(
        "/api/runs",
        {
            "dataset_version": version["id"],
            "latency_limit_ms": order.latency_ms,
            "device": "devboard",
            "onchip_limit_bytes": DEVBOARD_ONCHIP_BYTES,
            "trials": order.trials,
            "image_px": order.image_px,
            "backbone": None if order.dataset else FROM_SCRATCH,
        },
    )
    line, told = StatusLine("Search"), set[int]()
    while run["status"] not in ENDED:
        time.sleep(POLL_S)
        run = site.get(f"/api/runs/{run['id']}")
        for trial in run["leaderboard"]:
            if trial["status"] == "done" and trial["number"] not in told:
                line.end()
                say(f"  trial {trial['number']}: {_result(trial)}")
                told.add(trial["number"])
        line.show(run["progress"], run["now"], run["eta_s"])
    line.end()
    if run["status"] != "done":
        raise SystemExit(f"The run ended as {run['status']}: {run.get('failure') or 'see its page'}")
    return dict(run)


def _result(trial: dict[str, Any]) -> str:
    return (
        f"{100 * trial['validation_accuracy']:.1f} % int8 on the validation split, "
        f"{trial['latency_ms']:.2f} ms estimated ({trial['low_ms']:.2f}–{trial['high_ms']:.2f})"
    )


def publish(site: Site, run: dict[str, Any], name: str, notes: str) -> dict[str, Any]:
    """Publish the run as the next release of a listing."""
    body = {"run": run["id"], "name": name, "title": name.replace("-", " ").capitalize(), "notes": notes}
    return dict(site.post("/api/models", body))


def download(site: Site, release: dict[str, Any], folder: Path) -> int:
    """Bring every file of a release to a folder and check its SHA-256; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in release["siblings"]:
        target = folder / file["rfilename"]
        target.unlink(missing_ok=True)
        site.download(f"/{release['id']}/resolve/{release['sha']}/{file['rfilename']}", target)
        if hashlib.sha256(target.read_bytes()).hexdigest() != file["lfs"]["sha256"]:
            raise SystemExit(f"{target} is not what the site says it sent: its SHA-256 differs.")
    return len(release["siblings"])


def show_results(run: dict[str, Any], order: Order) -> None:
    """Print the figures of the run, each with its origin."""
    validation, estimate = run["validation"], run["estimate"]
    say(f"  test split ({validation['pictures']} pictures), on the CPU:")
    say(f"    float {100 * validation['float_accuracy']:.1f} %   int8 {100 * validation['int8_accuracy']:.1f} %")
    band = f"{estimate['low_ms']:.2f}–{estimate['high_ms']:.2f}"
    say(f"  {estimate['latency_ms']:.2f} ms estimated ({band}) on {estimate['device_title']}")
    say(f"  limit {order.latency_ms:g} ms")
    slowest = max(trial["latency_ms"] for trial in run["leaderboard"] if trial["status"] == "done")
    say(f"  slowest network on the leaderboard: {slowest:.2f} ms estimated")
    say(f"  {run['compilation']['sentence']}")


def main() -> None:
    """Do the main job once."""
    address, data_dir = sys.argv[1], Path(sys.argv[2])
    order, begun = Order.from_environment(), time.monotonic()
    folder = data_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    archive = order.dataset or folder / "digits.zip"
    if order.dataset is None and not archive.exists():
        say(f"Packed {pack_digits(archive)} handwritten digits into {archive}.")
    name = re.sub(r"[^a-z0-9]+", "-", archive.stem.lower()).strip("-")[:30] or "pictures"
    author, password = come_in(address, "demo", folder / "logins.json")
    reader, _ = come_in(address, "demo-reader", folder / "logins.json")
    version = upload(author, archive, name)
    run = search(author, version, order)
    show_results(run, order)
    release = publish(author, run, f"{name}-edgetpu", note_of(order))
    reader.put(f"/api/models/{release['id']}/subscription")
    say(f"Published {address}/{release['id']}, and demo-reader subscribed to it.")
    if order.dataset is None:
        release = publish_next_release(author, version, order, f"{name}-edgetpu")
    notices = reader.get("/api/notices?unread=true")["notices"]
    say(f"demo-reader has {len(notices)} unread notice(s) of new releases.")
    count = download(reader, release, folder / name)
    say(f"Downloaded {count} files to {folder / name}, each with the SHA-256 that the site names.")
    say(f"The main job took {time.monotonic() - begun:.0f} s. The site stays up at {address}")
    say(f"  sign in as demo, password {password}")


def publish_next_release(author: Site, version: dict[str, Any], order: Order, name: str) -> dict[str, Any]:
    """Order one more trial under a tighter limit and publish it as the next release, of which subscribers hear."""
    tighter = replace(order, trials=1, latency_ms=order.latency_ms / 2)
    say(f"A second, short search asks for half the time: {tighter.latency_ms:g} ms.")
    run = search(author, version, tighter)
    show_results(run, tighter)
    return publish(author, run, name, note_of(tighter))


def note_of(order: Order) -> str:
    """Return what a release says of itself; a demo that is repeated publishes the next of the same listing."""
    return f"A network that needs at most {order.latency_ms:g} ms (estimated), made by the demo."


if __name__ == "__main__":
    try:
        main()
    except SiteError as error:
        raise SystemExit(f"The site said: {error}") from None
