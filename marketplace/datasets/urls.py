"""Addresses of this app."""

from __future__ import annotations

from django.urls import URLPattern, path

from marketplace.datasets import views

app_name = "datasets"
urlpatterns: list[URLPattern] = [
    path("", views.index, name="index"),
    path("new", views.new, name="new"),
    path("<int:version_id>/", views.version, name="version"),
    path("<int:version_id>/state", views.state, name="state"),
    path("<int:version_id>/sheet", views.sheet, name="sheet"),
    path("<int:version_id>/manifest", views.manifest, name="manifest"),
    path("<int:version_id>/delete", views.delete, name="delete"),
]
