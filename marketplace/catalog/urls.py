"""Addresses of this app. Fixed words come before people's names."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from marketplace.catalog import views
from marketplace.catalog.converters import NameConverter, OwnerConverter

register_converter(OwnerConverter, "owner")
register_converter(NameConverter, "model")

app_name = "catalog"
urlpatterns: list[URLPattern] = [
    path("<owner:owner>/<model:name>/resolve/<str:revision>/<path:file_name>", views.download, name="download"),
]
