"""What the environment asks for, checked: a bad value stops the start with a sentence."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import dj_database_url
from environs import Env, EnvError

MAX_SOCKET_PATH_BYTES = 100
"""A unix socket's path may have 107 bytes on Linux; some room is left for the file's name. Source: unix(7)."""


def refuse(sentence: str) -> NoReturn:
    """Stop the start."""
    raise SystemExit(f"Atoll does not start: {sentence}")


def read(reader: Callable[..., Any], name: str, default: Any, **options: Any) -> Any:
    """Return a variable's value in the reader's type, or stop the start."""
    try:
        return reader(name, default, **options)
    except EnvError as error:
        refuse(f"{name} has a value that cannot be used ({error}).")


def database(env: Env, data_dir: Path) -> dict[str, Any]:
    """Return Django's description of the database in ATOLL_DATABASE_URL; SQLite in the data folder without it."""
    url = env.str("ATOLL_DATABASE_URL", "") or f"sqlite:///{data_dir / 'atoll.sqlite3'}"
    scheme = urlsplit(url).scheme
    if scheme not in ("sqlite", "postgres", "postgresql"):
        refuse(
            f"ATOLL_DATABASE_URL begins with '{scheme}:'; use postgresql://user:password@host:5432/name, "
            "or leave it out for SQLite."
        )
    try:
        settings: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError as error:
        refuse(f"ATOLL_DATABASE_URL cannot be read ({error}); it looks like postgresql://user:password@host:5432/name.")
    if scheme == "sqlite":
        # IMMEDIATE takes the write lock at once: with it, no "database is locked" was seen in 2,602 tries (STACK.md).
        settings["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
    else:
        settings["OPTIONS"] = {"pool": {"min_size": 0, "max_size": 8, "timeout": 10}}
    return settings


def broker(env: Env, run_dir: Path) -> str:
    """Return the address of Redis or Valkey in ATOLL_BROKER_URL; our own on a unix socket without it."""
    url = str(env.str("ATOLL_BROKER_URL", "")) or f"redis+socket://{run_dir / 'valkey.sock'}"
    if urlsplit(url).scheme not in ("redis", "rediss", "redis+socket"):
        refuse("ATOLL_BROKER_URL must begin with redis://, rediss:// or redis+socket:// (Redis or Valkey).")
    return url


def file_storage(env: Env, data_dir: Path) -> dict[str, Any]:
    """Return Django's description of where files go: S3 where ATOLL_S3_BUCKET is set, else the data folder."""
    bucket = env.str("ATOLL_S3_BUCKET", "")
    if not bucket:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(data_dir / "files"), "file_permissions_mode": 0o600},
        }
    endpoint = env.str("ATOLL_S3_ENDPOINT", "") or None
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        refuse("ATOLL_S3_ENDPOINT must begin with https:// (or http://).")
    options = {
        "bucket_name": bucket,
        "endpoint_url": endpoint,
        "region_name": env.str("ATOLL_S3_REGION", "us-east-1"),
        "access_key": env.str("ATOLL_S3_ACCESS_KEY", "") or None,
        "secret_key": env.str("ATOLL_S3_SECRET_KEY", "") or None,
        "addressing_style": "path" if endpoint else "auto",
        "default_acl": None,
        "file_overwrite": True,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def data_folder(env: Env, default: Path) -> Path:
    """Return the folder that holds the database, the files and the logs; it is made where it is missing."""
    folder = Path(env.str("ATOLL_DATA_DIR", "") or default).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        refuse(f"the data folder {folder} cannot be made ({error.strerror}); set ATOLL_DATA_DIR to one that can.")
    return folder


def run_folder(data_dir: Path) -> Path:
    """Return the folder of sockets; a short one in /tmp where the data folder's path is too long for a socket."""
    import hashlib
    import os

    folder = data_dir / "run"
    if len(os.fsencode(folder)) > MAX_SOCKET_PATH_BYTES - len("/valkey.sock"):
        mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
        folder = Path(f"/tmp/atoll-{os.getuid()}-{mark}")  # noqa: S108 - owned and checked just below
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.getuid():
        refuse(f"{folder} belongs to somebody else; remove it, or set ATOLL_DATA_DIR to a shorter path.")
    return folder


def secret_key(env: Env, data_dir: Path) -> str:
    """Return ATOLL_SECRET_KEY, or a random key that is kept in the data folder."""
    given = env.str("ATOLL_SECRET_KEY", "")
    if given:
        if len(given) < 32:
            refuse("ATOLL_SECRET_KEY is shorter than 32 characters; leave it out and Atoll makes one.")
        return str(given)
    path = data_dir / "secret_key"
    if not path.exists():
        fresh = path.with_name(f"secret_key.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50))
        try:
            path.hardlink_to(fresh)  # of two processes that start at once, one makes the key and both read it
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()
