"""People, and the tokens with which their programs come."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from marketplace.accounts.names import USERNAME_VALIDATORS


class User(AbstractUser):
    """A person; the username is the owner part of addresses."""

    username = models.CharField(max_length=39, unique=True, validators=USERNAME_VALIDATORS)


class Token(models.Model):
    """What a program shows instead of a password; only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    hint = models.CharField(max_length=12, help_text="The first characters, so that people recognise it.")
    sha256 = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @property
    def live(self) -> bool:
        """Whether it still opens the door."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())
