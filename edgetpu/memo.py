"""Remember the last answer: memory and time of one network are asked for one after the other."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class LastAnswer(Generic[Answer]):
    """The answer to one question about one object, until another is asked."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: tuple[object, Hashable, Answer] | None = None

    def get(self, about: object, question: Hashable = None) -> Answer | None:
        """Return the answer if the last one was about this very object, else None."""
        kept = self._kept
        return kept[2] if kept is not None and kept[0] is about and kept[1] == question else None

    def keep(self, about: object, answer: Answer, question: Hashable = None) -> Answer:
        """Remember an answer, and return it."""
        self._kept = (about, question, answer)
        return answer
