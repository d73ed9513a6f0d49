"""A value that cannot be used stops every program of Atoll with one sentence; a good one means what README says."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from environs import Env

from marketplace import environment
from tests.services.s3 import free_port
from tests.services.site import run

BEGIN = "Atoll does not start: "
SECRET = "geheim"
S3 = {"ATOLL_S3_BUCKET": "corals", "ATOLL_S3_ACCESS_KEY": "me", "ATOLL_S3_SECRET_KEY": SECRET}
PROGRAMS = {
    "manage.py": ["manage.py", "check"],
    "the supervisor": ["-m", "workers.supervisor", "--port", "1"],
    "the worker": ["-m", "workers.start"],
    "Celery": ["-m", "celery", "-A", "workers.app", "beat"],
    "gunicorn": ["-m", "gunicorn", "marketplace.wsgi", "--bind", "127.0.0.1:0", "--log-level", "critical"],
}
BAD_IN_SETTINGS = {
    "ATOLL_WORKER_PROCESSES": ["two", "0", "-1", "65", "1.5"],
    "ATOLL_MAX_UPLOAD_MIB": ["abc", "0"],
    "ATOLL_MAX_PICTURES": ["1"],
    "ATOLL_DEBUG": ["maybe"],
    "ATOLL_HTTPS": ["2"],
}
BAD_DATABASES = {
    f"mysql://me:{SECRET}@host/name": "begins with “mysql:”",
    "garbage": "is no address",
    f"postgresql://me:{SECRET}@host:port/name": "%40",
    f"postgresql://me:{SECRET}@[::1/name": "cannot be read",
    f"postgresql://me:{SECRET}/word@host:5432/name": "cannot be read",
    f"postgresql://me:{SECRET}@host": "names no database",
    "sqlite://": "names no file",
    "sqlite://:memory:": "",
}
BAD_BROKERS = {
    f"amqp://me:{SECRET}@host": "must begin with redis://",
    "garbage": "must begin with redis://",
    f"redis://:{SECRET}@host:port": "cannot be read",
    "redis://": "names no host",
    f"redis://:{SECRET}@host/work": "number of a database",
}
BAD_STORAGES: list[tuple[dict[str, str], str]] = [
    ({"ATOLL_S3_BUCKET": "corals"}, "ATOLL_S3_ACCESS_KEY and ATOLL_S3_SECRET_KEY are not"),
    ({"ATOLL_S3_BUCKET": "corals", "ATOLL_S3_ACCESS_KEY": "me"}, "ATOLL_S3_SECRET_KEY is not"),
    ({"ATOLL_S3_BUCKET": "corals", "ATOLL_S3_SECRET_KEY": SECRET}, "ATOLL_S3_ACCESS_KEY is not"),
    ({"ATOLL_S3_ENDPOINT": "https://host"}, "ATOLL_S3_BUCKET is not"),
    ({**S3, "ATOLL_S3_ENDPOINT": "ftp://host"}, "must begin with https://"),
    ({**S3, "ATOLL_S3_ENDPOINT": "host:9000"}, "must begin with https://"),
    ({**S3, "ATOLL_S3_ENDPOINT": "https://"}, "must be an address"),
    ({**S3, "ATOLL_S3_ENDPOINT": "https://host:port"}, "cannot be read"),
    ({**S3, "ATOLL_S3_REGION": "somewhere else"}, "ATOLL_S3_REGION"),
    ({**S3, "ATOLL_S3_BUCKET": "s3://corals"}, "ATOLL_S3_BUCKET"),
]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ATOLL_")]:
        monkeypatch.delenv(name)


def refusal(capsys: pytest.CaptureFixture[str], act: Any, *arguments: Any) -> str:
    """Return the one sentence with which something refuses."""
    with pytest.raises(SystemExit) as stopped:
        act(*arguments)
    said = capsys.readouterr().err
    assert stopped.value.code == environment.EXIT_CODE
    assert said.startswith(BEGIN)
    assert said.count("\n") == 1
    assert SECRET not in said
    return said


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_every_program_stops_at_a_bad_value_with_one_sentence(program: list[str], tmp_path: Path) -> None:
    done = run({"ATOLL_DATA_DIR": str(tmp_path), "ATOLL_DATABASE_URL": "mysql://host/name"}, *program)

    assert done.returncode == environment.EXIT_CODE
    assert done.stderr.startswith(f"{BEGIN}ATOLL_DATABASE_URL begins with “mysql:”; ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, bad in BAD_IN_SETTINGS.items() for value in bad])
def test_a_bad_number_or_switch_is_named_with_its_reason(name: str, value: str, tmp_path: Path) -> None:
    done = run({"ATOLL_DATA_DIR": str(tmp_path), name: value}, "-c", "import marketplace.settings")

    assert done.returncode == environment.EXIT_CODE
    assert done.stderr.startswith(f"{BEGIN}{name} is “{value}”, which cannot be used. ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("url", "says"), BAD_DATABASES.items())
def test_a_bad_database_is_refused(
    url: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATOLL_DATABASE_URL", url)

    assert says in refusal(capsys, environment.database, Env(), tmp_path)


@pytest.mark.parametrize(("url", "says"), BAD_BROKERS.items())
def test_a_bad_broker_is_refused(
    url: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATOLL_BROKER_URL", url)

    assert says in refusal(capsys, environment.broker, Env(), tmp_path)


@pytest.mark.parametrize(("values", "says"), BAD_STORAGES)
def test_a_bad_object_storage_is_refused(
    values: dict[str, str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)

    assert says in refusal(capsys, environment.file_storage, Env(), tmp_path)


@pytest.mark.parametrize("folder", ["/proc/atoll", "/dev/null/atoll", "/dev/null", "/" + "x" * 300, "~nobody-at-all/x"])
def test_a_data_folder_that_cannot_be_written_to_is_refused(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATOLL_DATA_DIR", folder)

    assert "set ATOLL_DATA_DIR" in refusal(capsys, environment.data_folder, Env(), Path("unused"))


def test_a_short_secret_key_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATOLL_SECRET_KEY", SECRET)

    assert "shorter than 32 characters" in refusal(capsys, environment.secret_key, Env(), tmp_path)


def test_a_secret_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = environment.secret_key(Env(), tmp_path)

    assert environment.secret_key(Env(), tmp_path) == first
    assert len(first) > 50
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600]


@pytest.mark.parametrize("name", ["deep/" * 40, "100% coral?", "Köln #1"])
def test_a_data_folder_with_a_long_or_odd_path_still_works(name: str, tmp_path: Path) -> None:
    values = {"ATOLL_DATA_DIR": str(tmp_path / name)}

    done = run(values, "-c", "import marketplace.settings as s; print(s.BROKER_URL, s.RUN_DIR, sep='\\n')")
    migrated = run(values, "manage.py", "migrate", "contenttypes", "-v", "0")

    address, run_dir = done.stdout.splitlines()
    assert address == f"redis+socket://{run_dir}/valkey.sock"
    assert len(os.fsencode(f"{run_dir}/valkey.sock")) <= environment.MAX_SOCKET_PATH_BYTES
    assert (migrated.returncode, migrated.stderr) == (0, "")
    assert (tmp_path / name / "atoll.sqlite3").exists()
    Path(run_dir).rmdir()


def test_a_run_folder_of_somebody_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.getuid():
        pytest.skip("only root can give a folder away")
    (tmp_path / "run").mkdir()
    os.chown(tmp_path / "run", 65534, 65534)

    assert "belongs to somebody else" in refusal(capsys, environment.run_folder, tmp_path)


def test_postgres_is_reached_as_its_address_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATOLL_DATABASE_URL", "postgresql://me:p%40ss%2Fw@host:5433/atoll?sslmode=require")

    described = environment.database(Env(), tmp_path)

    assert (described["NAME"], described["HOST"], described["PORT"]) == ("atoll", "host", 5433)
    assert described["PASSWORD"] == "p@ss/w"
    assert described["OPTIONS"]["sslmode"] == "require"
    assert described["CONN_MAX_AGE"] > 0
    assert described["CONN_HEALTH_CHECKS"]


def test_sqlite_takes_its_write_lock_at_once(tmp_path: Path) -> None:
    described = environment.database(Env(), tmp_path)

    assert described["NAME"] == str(tmp_path / "atoll.sqlite3")
    assert described["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_empty_variables_are_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ATOLL_DATABASE_URL", "ATOLL_BROKER_URL", "ATOLL_S3_BUCKET", *environment.S3_VARIABLES, "ATOLL_DEBUG"):
        monkeypatch.setenv(name, " ")

    assert "sqlite3" in environment.database(Env(), tmp_path)["ENGINE"]
    assert environment.broker(Env(), tmp_path) == environment.own_broker(tmp_path)
    assert "DiskStorage" in environment.file_storage(Env(), tmp_path)["BACKEND"]
    assert environment.read(Env().bool, "ATOLL_DEBUG", False) is False


@pytest.mark.parametrize("url", ["redis://host", "rediss://:p%40ss@host:6380/2", "redis+socket:///run/valkey.sock"])
def test_redis_and_valkey_are_reached_by_their_address(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOLL_BROKER_URL", url)

    assert environment.broker(Env(), tmp_path) == url


def test_the_supervisor_names_whatever_does_not_answer_and_ends(tmp_path: Path) -> None:
    database, broker, storage = (free_port() for _ in range(3))
    values = {
        "ATOLL_DATA_DIR": str(tmp_path),
        "ATOLL_DATABASE_URL": f"postgresql://me:{SECRET}@127.0.0.1:{database}/atoll",
        "ATOLL_BROKER_URL": f"redis://:{SECRET}@127.0.0.1:{broker}",
        **S3,
        "ATOLL_S3_ENDPOINT": f"http://127.0.0.1:{storage}",
    }

    done = run(values, "-m", "workers.supervisor", "--port", str(free_port()), timeout_s=30)

    assert done.returncode == environment.EXIT_CODE
    assert done.stderr.count("\n") == 1
    for name in ("ATOLL_DATABASE_URL", "ATOLL_BROKER_URL", f"the bucket “corals” at http://127.0.0.1:{storage}"):
        assert name in done.stderr
    assert "refused" in done.stderr
    assert SECRET not in done.stderr
