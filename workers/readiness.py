"""Whether what Atoll uses elsewhere answers, asked once before the start: what does not is named in a sentence.

python -m workers.readiness      asks and says nothing where all is well
"""

from __future__ import annotations

import io
import os
import secrets
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from botocore.exceptions import BotoCoreError, ClientError  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.db import DatabaseError, connections  # noqa: E402

from marketplace import environment, queue  # noqa: E402
from marketplace.errors import StorageFull  # noqa: E402
from marketplace.storage import forget, store  # noqa: E402

PATIENCE_S = 6.0
"""What was started at the same moment as Atoll may need a few seconds."""
PAUSE_S = 0.5
CONNECT_TIMEOUT_S = 2


class Unready(Exception):
    """Something does not answer, or not as it must; the text says what."""


def refuse_unless_ready(patience_s: float = PATIENCE_S) -> None:
    """Return once database, broker and file storage answer.

    Raises:
        SystemExit: if one of them does not within the time; a sentence for each was written to stderr.
    """
    end = time.monotonic() + patience_s
    waits = [_Wait(probe, end) for probe in (reach_database, reach_broker, reach_storage)]
    for wait in waits:
        wait.join(max(0.0, end + PAUSE_S - time.monotonic()))
    sentences = [wait.sentence for wait in waits if wait.sentence]
    if sentences:
        environment.refuse(" Also, ".join(sentences))


class _Wait(threading.Thread):
    """Asks again and again until there is a good answer or no time left; all are asked at once."""

    def __init__(self, probe: Callable[[], None], end: float) -> None:
        super().__init__(daemon=True)
        self._probe, self._end = probe, end
        self.sentence = f"{(probe.__doc__ or '').removeprefix('Reach ').rstrip('.')} does not answer in time."
        self.start()

    def run(self) -> None:
        while True:
            try:
                self._probe()
            except Unready as unready:
                self.sentence = str(unready)
            else:
                self.sentence = ""
                return
            if time.monotonic() + PAUSE_S > self._end:
                return
            time.sleep(PAUSE_S)


def reach_database() -> None:
    """Reach the database in ATOLL_DATABASE_URL."""
    usual = connections["default"]
    options = dict(usual.settings_dict["OPTIONS"])
    if usual.vendor == "postgresql":
        options["connect_timeout"] = CONNECT_TIMEOUT_S
    own = type(usual)({**usual.settings_dict, "OPTIONS": options}, alias="readiness")
    try:
        own.ensure_connection()
        with own.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, ImproperlyConfigured) as error:
        raise Unready(f"the database in ATOLL_DATABASE_URL cannot be used ({_first_line(error)}).") from error
    finally:
        own.close()


def reach_broker() -> None:
    """Reach the broker in ATOLL_BROKER_URL."""
    if environment.own_broker(settings.RUN_DIR) == settings.BROKER_URL:
        return  # the supervisor starts it
    with queue.app.connection_for_write() as link:
        wrong: tuple[type[BaseException], ...] = (*link.connection_errors, *link.channel_errors, ValueError)
        try:
            link.channel()  # opens with a ping
        except wrong as error:
            host = urlsplit(settings.BROKER_URL).hostname or "that socket"
            why = _first_line(error)
            raise Unready(f"the broker in ATOLL_BROKER_URL, on {host}, cannot be used ({why}).") from error


def reach_storage() -> None:
    """Reach the file storage in ATOLL_S3_ENDPOINT."""
    content, where = f"Atoll wrote this to see whether it may: {secrets.token_hex(8)}\n".encode(), _place_of_files()
    try:
        forget(store(io.BytesIO(content), "readiness").key)
    except ClientError as error:
        raise Unready(f"files cannot be written to {where} ({_s3_reason(error)}).") from error
    except StorageFull as error:
        raise Unready(f"files cannot be written to {where} (it is full).") from error
    except (BotoCoreError, OSError) as error:
        raise Unready(f"files cannot be written to {where} ({_first_line(error)}).") from error


def _s3_reason(error: ClientError) -> str:
    code, message = (str(error.response["Error"].get(part, "")) for part in ("Code", "Message"))
    if code in ("403", "AccessDenied"):  # an answer to HEAD has no room for the reason
        return "it forbids it: check ATOLL_S3_ACCESS_KEY, ATOLL_S3_SECRET_KEY and what they may do"
    return f"{code}: {message.rstrip('.')}"


def _place_of_files() -> str:
    options = settings.STORAGES["default"].get("OPTIONS", {})
    if "bucket_name" not in options:
        return f"the folder {options.get('location')}"
    return f"the bucket “{options['bucket_name']}” at {options['endpoint_url'] or 'AWS'}"


def _first_line(error: BaseException) -> str:
    """Return what people need of an error's text; botocore goes on with the whole address."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line.partition(': "http')[0].rstrip(" .:")


if __name__ == "__main__":
    refuse_unless_ready()
