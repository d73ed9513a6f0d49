"""What the environment asks for, checked: a bad value stops the start with a sentence."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

import dj_database_url
from environs import Env, EnvError
from environs.exceptions import EnvValidationError

EXIT_CODE = 4
"""gunicorn starts its worker again for ever after other codes. Source: gunicorn.arbiter.Arbiter.APP_LOAD_ERROR."""
MAX_SOCKET_PATH_BYTES = 100
"""A unix socket's path may have 107 bytes on Linux; some room is left. Source: unix(7)."""
PLAIN_PATH = re.compile(r"[\w./~+-]*", re.ASCII)
"""What can stand in the path of an address as it is."""
BUCKET_NAME = re.compile(r"[a-zA-Z0-9._-]{3,255}")
"""Source: botocore.handlers.VALID_BUCKET, and S3's least length."""
S3_VARIABLES = ("ATOLL_S3_ENDPOINT", "ATOLL_S3_REGION", "ATOLL_S3_ACCESS_KEY", "ATOLL_S3_SECRET_KEY")
POSTGRES = "postgresql://user:password@host:5432/name"
ESCAPES = "in a password, the characters @ : / ? # % are written as %40 %3A %2F %3F %23 %25"


KEPT_S = 60
"""A thread keeps its connection to PostgreSQL that long. With psycopg's pool, a request after a restart of the database
would wait 1, 2, 4 … s for each connection that was lost, and fail after 10 s."""


def refuse(sentence: str) -> NoReturn:
    """Stop the start."""
    sys.stderr.write(f"Atoll does not start: {sentence}\n")
    raise SystemExit(EXIT_CODE)


def read(reader: Callable[..., Any], name: str, default: Any, **options: Any) -> Any:
    """Return a variable's value in the reader's type, or stop the start."""
    if not os.environ.get(name, "").strip():
        return default
    try:
        return reader(name, default, **options)
    except EnvError as error:
        reasons = error.error_messages if isinstance(error, EnvValidationError) else [str(error)]
        refuse(f"{name} is “{os.environ[name]}”, which cannot be used. {' '.join(map(str, reasons))}")


def text(env: Env, name: str) -> str:
    """Return a variable without the space around it; empty where it is not set."""
    return str(env.str(name, "")).strip()


def _address(name: str, value: str, example: str) -> SplitResult:
    """Take an address apart; its text is never shown, it may hold a password."""
    try:
        parts = urlsplit(value)
        _ = parts.port, parts.hostname
    except ValueError:
        refuse(f"{name} cannot be read as an address; it looks like {example}, and {ESCAPES}.")
    return parts


def database(env: Env, data_dir: Path) -> dict[str, Any]:
    """Return Django's description of the database in ATOLL_DATABASE_URL; SQLite in the data folder without it."""
    url = text(env, "ATOLL_DATABASE_URL")
    if not url:
        return _sqlite(str(data_dir / "atoll.sqlite3"))
    parts = _address("ATOLL_DATABASE_URL", url, POSTGRES)
    if parts.scheme not in ("sqlite", "postgres", "postgresql"):
        begins = f"begins with “{parts.scheme}:”" if parts.scheme else "is no address"
        refuse(f"ATOLL_DATABASE_URL {begins}; use {POSTGRES}, or leave it out for SQLite.")
    try:
        settings: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=KEPT_S, conn_health_checks=True))
    except ValueError:
        refuse(f"ATOLL_DATABASE_URL cannot be read; it looks like {POSTGRES}, and {ESCAPES}.")
    if parts.scheme == "sqlite":
        return _sqlite(str(settings["NAME"]))
    if not settings["NAME"]:
        refuse(f"ATOLL_DATABASE_URL names no database; it looks like {POSTGRES}.")
    settings["OPTIONS"] = {"connect_timeout": 5, **(settings.get("OPTIONS") or {})}
    return settings


def _sqlite(path: str) -> dict[str, Any]:
    if path in ("", ":memory:"):
        refuse("ATOLL_DATABASE_URL names no file; sqlite:////folder/atoll.sqlite3 does, or leave it out.")
    # IMMEDIATE takes the write lock at once: with it, no "database is locked" was seen in 2,602 tries (STACK.md).
    options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "TEST": {"NAME": f"{path}.test"},  # a file, as in use: in memory, threads lock each other out without waiting
    }


def own_broker(run_dir: Path) -> str:
    """Return the address of the Valkey server that the supervisor starts."""
    return f"redis+socket://{run_dir / 'valkey.sock'}"


def broker(env: Env, run_dir: Path) -> str:
    """Return the address of Redis or Valkey in ATOLL_BROKER_URL; our own on a unix socket without it."""
    url = text(env, "ATOLL_BROKER_URL")
    if not url:
        return own_broker(run_dir)
    example = "redis://:password@host:6379/0"
    parts = _address("ATOLL_BROKER_URL", url, example)
    if parts.scheme not in ("redis", "rediss", "redis+socket"):
        refuse("ATOLL_BROKER_URL must begin with redis://, rediss:// or redis+socket:// (Redis or Valkey).")
    if parts.scheme == "redis+socket":
        return url
    if not parts.hostname:
        refuse(f"ATOLL_BROKER_URL names no host; it looks like {example}.")
    if not re.fullmatch(r"/?\d*", parts.path):
        refuse(f"ATOLL_BROKER_URL must end with the number of a database, or with none; it looks like {example}.")
    return url


def file_storage(env: Env, data_dir: Path) -> dict[str, Any]:
    """Return Django's description of where files go: S3 where ATOLL_S3_BUCKET is set, else the data folder."""
    bucket = text(env, "ATOLL_S3_BUCKET")
    if not bucket:
        for name in S3_VARIABLES:
            if text(env, name):
                refuse(f"{name} is set and ATOLL_S3_BUCKET is not; name the bucket, or leave both out.")
        return {
            "BACKEND": "marketplace.storage_on_disk.DiskStorage",
            "OPTIONS": {"location": str(data_dir / "files"), "file_permissions_mode": 0o600},
        }
    if not BUCKET_NAME.fullmatch(bucket):
        refuse(f"ATOLL_S3_BUCKET is “{bucket}”; a bucket's name has 3 or more letters, digits, dots and dashes.")
    region = text(env, "ATOLL_S3_REGION") or "us-east-1"
    if not re.fullmatch(r"[a-zA-Z0-9-]+", region):
        refuse(f"ATOLL_S3_REGION is “{region}”; a region looks like eu-central-1.")
    access_key, secret_key = _s3_keys(env)
    options = {
        "bucket_name": bucket,
        "endpoint_url": _s3_endpoint(env),
        "region_name": region,
        "access_key": access_key,
        "secret_key": secret_key,
    }
    return {"BACKEND": "marketplace.storage_on_s3.CheckedS3Storage", "OPTIONS": options}


def _s3_endpoint(env: Env) -> str | None:
    endpoint = text(env, "ATOLL_S3_ENDPOINT")
    if not endpoint:
        return None
    parts = _address("ATOLL_S3_ENDPOINT", endpoint, "https://s3.example.org")
    if parts.scheme not in ("http", "https"):
        refuse("ATOLL_S3_ENDPOINT must begin with https:// (or http://).")
    if not parts.hostname or parts.query or parts.fragment:
        refuse("ATOLL_S3_ENDPOINT must be an address like https://s3.example.org, without the bucket.")
    return endpoint


def _s3_keys(env: Env) -> tuple[str, str]:
    keys = {name: text(env, name) for name in ("ATOLL_S3_ACCESS_KEY", "ATOLL_S3_SECRET_KEY")}
    lacking = [name for name, value in keys.items() if not value]
    if lacking:
        refuse(f"ATOLL_S3_BUCKET is set and {' and '.join(lacking)} {'are' if len(lacking) > 1 else 'is'} not.")
    access_key, secret_key = keys.values()
    return access_key, secret_key


def data_folder(env: Env, default: Path) -> Path:
    """Return the folder that holds the database, the files and the logs; it is made where it is missing."""
    folder = Path(text(env, "ATOLL_DATA_DIR") or default)
    try:
        folder = folder.expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RuntimeError) as error:  # RuntimeError: ~somebody, who has no home
        why = error.strerror if isinstance(error, OSError) else error
        refuse(f"the data folder {folder} cannot be written to ({why}); set ATOLL_DATA_DIR to one that can.")
    return folder


def run_folder(data_dir: Path) -> Path:
    """Return the folder of sockets; one in /tmp where the data folder's path is too long or too odd for a socket."""
    folder = data_dir / "run"
    name = os.fsencode(folder / "valkey.sock")
    if len(name) > MAX_SOCKET_PATH_BYTES or not PLAIN_PATH.fullmatch(str(folder)):
        mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
        folder = Path(f"/tmp/atoll-{os.getuid()}-{mark}")  # noqa: S108 - owned and checked just below
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        ours = folder.stat().st_uid == os.getuid()
    except OSError as error:
        refuse(f"the folder {folder} cannot be made ({error.strerror}).")
    if not ours:
        refuse(f"{folder} belongs to somebody else; remove it, or set ATOLL_DATA_DIR to a shorter path.")
    return folder


def secret_key(env: Env, data_dir: Path) -> str:
    """Return ATOLL_SECRET_KEY, or a random key that is kept in the data folder."""
    given = text(env, "ATOLL_SECRET_KEY")
    if given:
        if len(given) < 32:
            refuse("ATOLL_SECRET_KEY is shorter than 32 characters; leave it out and Atoll makes one.")
        return given
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            _make_key(path)
        return path.read_text()
    except OSError as error:
        refuse(f"the key in {path} cannot be used ({error.strerror}).")


def _make_key(path: Path) -> None:
    fresh = path.with_name(f"secret_key.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_urlsafe(50))
    try:
        path.hardlink_to(fresh)  # of two processes that start at once, one makes the key and both read it
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
