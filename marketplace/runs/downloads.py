"""Files of runs over HTTP, for their owner."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from marketplace.runs.models import Artifact
from marketplace.serving import ServedFile, answer_file


def answer_artifact(request: HttpRequest, artifact: Artifact) -> HttpResponseBase:
    """Return the answer to a GET or HEAD for a file of a run."""
    return answer_file(
        request,
        ServedFile(
            artifact.name,
            artifact.sha256,
            artifact.byte_count,
            artifact.storage_key,
            artifact.created_at,
            "private, no-cache",
        ),
    )
