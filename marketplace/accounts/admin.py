"""People and tokens in Django's admin; a token's hash is never shown."""
# mypy: allow-any-generics

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from marketplace.accounts.models import Token, User
from marketplace.admin import LookOnlyAdmin

admin.site.register(User, UserAdmin)


@admin.register(Token)
class TokenAdmin(LookOnlyAdmin):
    """Tokens can be looked at and removed, not made: the secret could not be shown."""

    list_display = ("name", "user", "hint", "created_at", "expires_at", "used_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    exclude = ("sha256",)
