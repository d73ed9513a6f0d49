"""Answers that belong to no app."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from marketplace.devices.models import WorkerNode
from marketplace.errors import Forbidden, NotFound, UserError
from marketplace.middleware import answer_user_error


class OurFault(UserError):
    """Something broke that should not have."""

    status = 500
    code = "server-error"


def health(request: HttpRequest) -> HttpResponse:
    """Say that the site answers and reaches its database."""
    WorkerNode.objects.exists()
    return HttpResponse("ok\n", content_type="text/plain")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for an address that leads nowhere."""
    return answer_user_error(request, NotFound("There is nothing at this address, or it is private."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer for a form that came without the mark of our own page."""
    sentence = "This form was too old, or came from another site, so nothing was changed. Load the page again."
    return answer_user_error(request, Forbidden(sentence))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer where the site itself broke."""
    mark = request.META.get("ATOLL_REQUEST_ID", "")
    sentence = (
        f"Something broke on our side; what you had stored is safe. Try again; if it stays, quote request {mark}."
    )
    return answer_user_error(request, OurFault(sentence))
