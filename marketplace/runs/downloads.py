"""Files of runs over HTTP, for their owner."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase

from marketplace.runs.models import Artifact
from marketplace.storage import open_stored


def answer_artifact(request: HttpRequest, artifact: Artifact) -> HttpResponseBase:
    """Return a file as an attachment, or 304 to a client that has it already."""
    tag = f'"{artifact.sha256}"'
    if tag in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers={"ETag": tag})
    answer = FileResponse(
        open_stored(artifact.storage_key),
        as_attachment=True,
        filename=artifact.name,
        content_type="application/octet-stream",
    )
    answer["Content-Length"] = str(artifact.byte_count)
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    return answer
