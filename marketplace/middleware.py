"""What happens around every request: an id for it, headers against misuse, and sentences instead of stack traces."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import render

from marketplace.errors import Forbidden, NotFound, StorageFull, UploadCutOff, UserError
from marketplace.storage import FULL, NO_ROOM

log = logging.getLogger("atoll.web")
GetResponse = Callable[[HttpRequest], HttpResponse]

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
CUT_OFF = "The upload stopped half-way, so nothing was stored. Check your connection and send it again."


class RequestIdMiddleware:
    """Give every answer an X-Request-Id that people can quote."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        request_id = secrets.token_hex(8)
        request.META["ATOLL_REQUEST_ID"] = request_id
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class SecurityHeadersMiddleware:
    """Let pages load nothing from elsewhere and be framed by nobody."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.setdefault("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
        return response


def wants_json(request: HttpRequest) -> bool:
    """Say whether a program asked: the API's addresses, and downloads by token."""
    return request.path.startswith("/api/") or "/resolve/" in request.path


def problem(request: HttpRequest, error: UserError) -> JsonResponse:
    """Answer a program: application/problem+json (RFC 9457)."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": error.code.replace("-", " ").capitalize(),
        "status": error.status,
        "detail": error.sentence,
        "code": error.code,
        "request_id": request.META.get("ATOLL_REQUEST_ID", ""),
    }
    if error.field:
        body["field"] = error.field
    answer = JsonResponse(body, status=error.status, content_type="application/problem+json")
    answer["X-Error-Code"] = error.code
    answer["X-Error-Message"] = error.sentence.encode("ascii", "replace").decode()
    return answer


def answer_user_error(request: HttpRequest, error: UserError) -> HttpResponse:
    """Show a sentence on a page, or as JSON to a program."""
    if wants_json(request):
        return problem(request, error)
    return render(request, "error.html", {"error": error}, status=error.status)


class UserErrorMiddleware:
    """Turn our errors into sentences; anything else stays Django's business."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for a view that raised."""
        error = as_user_error(exception)
        return None if error is None else answer_user_error(request, error)


def as_user_error(exception: Exception) -> UserError | None:
    """Return the sentence that stands for an exception, or None where it is a fault of ours."""
    if isinstance(exception, UserError):
        return exception
    if isinstance(exception, UnreadablePostError):
        return UploadCutOff(CUT_OFF)
    if isinstance(exception, Http404):
        return NotFound("There is nothing at this address, or it is private.")
    if isinstance(exception, OSError) and exception.errno in NO_ROOM:
        return StorageFull(FULL)
    if isinstance(exception, PermissionDenied):
        return Forbidden("You may not do this with the account that you are signed in with.")
    return None
