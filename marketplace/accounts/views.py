"""Pages about oneself: the account, and the tokens of one's programs."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketplace.accounts.forms import TokenForm
from marketplace.accounts.person import person_of
from marketplace.accounts.queries import token_for, tokens_of
from marketplace.accounts.tokens import SCOPES, make_token, revoke_token
from marketplace.errors import BadInput


@login_required
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Show the signed-in person's account."""
    return render(request, "accounts/account.html")


@never_cache
@sensitive_variables("secret", "context")
@login_required
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """Show the signed-in person's tokens; make one, whose secret stands in this answer and nowhere else."""
    user = person_of(request)
    form, token, secret = TokenForm(request.POST if request.method == "POST" else None), None, ""
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = make_token(user=user, **form.cleaned_data)
            form = TokenForm()
        except BadInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.sentence)
    context = {"form": form, "token": token, "secret": secret, "tokens": tokens_of(user), "scopes": SCOPES}
    return render(request, "accounts/tokens.html", context)


@login_required
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Close the door for one of the signed-in person's tokens."""
    token = token_for(person_of(request), token_id)
    revoke_token(token=token)
    messages.success(request, f"“{token.name}” is revoked: programs that use it are strangers from now on.")
    return redirect("accounts:tokens")
