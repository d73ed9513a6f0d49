"""A client that reads every answer to its end, as a browser does, so that no file stays open."""

from __future__ import annotations

from typing import Any

from django.test import Client


class ReadingClient(Client):
    """Django's client; the bytes of an answer, streamed or not, are its `body`."""

    def request(self, **request: Any) -> Any:
        """Ask, and read the whole answer."""
        answer: Any = super().request(**request)
        answer.body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer
