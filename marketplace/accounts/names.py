"""Names that become parts of addresses."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

RESERVED = frozenset(
    {
        "about",
        "account",
        "accounts",
        "admin",
        "api",
        "datasets",
        "devices",
        "docs",
        "explore",
        "help",
        "health",
        "import",
        "imports",
    }
    | {"blog", "contact", "privacy", "publish", "register", "security", "signin", "signup", "spaces", "status"}
    | {
        "terms",
        "tokens",
        "login",
        "logout",
        "media",
        "models",
        "new",
        "notices",
        "organisations",
        "organizations",
        "preview",
        "resolve",
    }
    | {"run", "runs", "search", "settings", "sign-in", "sign-up", "static", "support", "user", "users"}
)
"""First parts of this site's own addresses, and some that may become one."""

HOUSE = "atoll"
"""The account that owns the published networks: its name has an address, and nobody can sign up with it."""

is_name = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?\Z",
    "Use 1 to 39 small letters (a–z), digits and hyphens; begin and end with a letter or digit.",
)


def is_free_to_take(name: str) -> None:
    """Refuse a name that this site's own addresses use."""
    if name.lower() in RESERVED | {HOUSE}:
        raise ValidationError(f"“{name}” is a word of this site's own addresses: choose another name.")


USERNAME_VALIDATORS: list[Callable[[str], None]] = [is_name, is_free_to_take]
