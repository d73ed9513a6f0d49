"""What is not there, said so that hub clients understand it too.

NotFound
├── ModelNotFound       no such model, or it is private       X-Error-Code: RepoNotFound
├── RevisionNotFound    the model has no such release         X-Error-Code: RevisionNotFound
└── FileNotInRelease    the release has no such file          X-Error-Code: EntryNotFound
"""

from __future__ import annotations

from typing import ClassVar

from marketplace.errors import NotFound


class HubNotFound(NotFound):
    """Something that a hub client asked for."""

    hub_code: ClassVar[str] = "RepoNotFound"
    """The word that `huggingface_hub` looks for in the header X-Error-Code."""


class ModelNotFound(HubNotFound):
    """No such model, or the asker may not know that it exists."""


class RevisionNotFound(HubNotFound):
    """The model has no such release."""

    hub_code = "RevisionNotFound"


class FileNotInRelease(HubNotFound):
    """The release has no such file."""

    hub_code = "EntryNotFound"
