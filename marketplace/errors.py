"""What can go wrong in the site; a class is a kind of reaction.

AtollError
├── UserError              its text reaches a page or an API answer: what happened, what to do now
│   ├── BadInput           422: mend what was sent
│   ├── NotFound           404: not there, or private
│   ├── Forbidden          403: not with these rights
│   ├── Conflict           409: it is already so, or in another state
│   ├── TooLarge           413: over a limit of this site
│   ├── UploadCutOff       400: the sender stopped half-way
│   └── StorageFull        507: the machine has no room left
├── WrongState             a program error: no arrow leads there
└── LeaseLost              another worker has the step now: drop what was done
"""

from __future__ import annotations

from typing import ClassVar


class AtollError(Exception):
    """Anything that the site itself raises."""


class UserError(AtollError):
    """A sentence for the user: what happened, and what to do now."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-request"

    def __init__(self, sentence: str, *, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field
        """The form field or JSON key that it is about, where it is about one."""


class BadInput(UserError):
    """What was sent cannot be used as it is."""

    status = 422
    code = "bad-input"


class NotFound(UserError):
    """It does not exist, or the asker may not know that it does."""

    status = 404
    code = "not-found"


class Forbidden(UserError):
    """The asker is known and lacks the right."""

    status = 403
    code = "forbidden"


class Conflict(UserError):
    """It is already so, or in a state in which this cannot be done."""

    status = 409
    code = "conflict"


class TooLarge(UserError):
    """Over a limit of this site."""

    status = 413
    code = "too-large"


class UploadCutOff(UserError):
    """The sender stopped half-way."""

    status = 400
    code = "upload-cut-off"


class StorageFull(UserError):
    """The machine has no room left."""

    status = 507
    code = "storage-full"


class WrongState(AtollError):
    """No arrow leads from this state to the wanted one."""


class LeaseLost(AtollError):
    """Another worker has the step now, or the user cancelled it: what was done must be dropped."""
