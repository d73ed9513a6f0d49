"""The API's addresses: each app brings its own router."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from marketplace.accounts.api import router as tokens_router
from marketplace.accounts.tokens import BearerToken, SignedIn
from marketplace.catalog.api import router as catalog_router
from marketplace.catalog.errors import HubNotFound
from marketplace.datasets.api import router as datasets_router
from marketplace.errors import BadInput, UserError
from marketplace.imports.api import router as imports_router
from marketplace.middleware import problem
from marketplace.runs.api import router as runs_router

api = NinjaAPI(
    title="Atoll",
    version="1",
    description="Datasets, searches and models for the Coral Edge TPU. Send `Authorization: Bearer <token>`.",
    auth=[BearerToken(), SignedIn()],
    urls_namespace="api",
)
api.add_router("/datasets", datasets_router, tags=["datasets"])
api.add_router("/runs", runs_router, tags=["runs"])
api.add_router("/imports", imports_router, tags=["imports"])
api.add_router("/tokens", tokens_router, tags=["tokens"])
api.add_router("", catalog_router, tags=["models"])


class NotSignedIn(UserError):
    """No token, or one that is not known."""

    status = 401
    code = "not-signed-in"


@api.exception_handler(UserError)
def answer_sentence(request: HttpRequest, error: UserError) -> HttpResponse:
    """Answer with the sentence."""
    return problem(request, error)


@api.exception_handler(HubNotFound)
def answer_hub_client(request: HttpRequest, error: HubNotFound) -> HttpResponse:
    """Answer with the sentence, and with the word that hub clients know."""
    answer = problem(request, error)
    answer["X-Error-Code"] = error.hub_code
    return answer


@api.exception_handler(AuthenticationError)
def answer_stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    """Say how to come in."""
    sentence = "Send a token of yours as “Authorization: Bearer …”; make one under Settings › Tokens."
    answer = problem(request, NotSignedIn(sentence))
    answer["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(ValidationError)
def answer_bad_value(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Name the first field that cannot be used, in words."""
    first = error.errors[0]
    field = str(first["loc"][-1])
    return problem(request, BadInput(f"{field}: {first['msg']}.", field=field))
