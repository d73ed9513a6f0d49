"""Django's entry for this app."""

from django.apps import AppConfig


class Config(AppConfig):
    """Names the app."""

    name = "marketplace.imports"
    label = "imports"
