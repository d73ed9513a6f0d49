"""Addresses of this app."""

from __future__ import annotations

from django.urls import URLPattern, path

from marketplace.imports import views

app_name = "imports"
urlpatterns: list[URLPattern] = [
    path("", views.index, name="index"),
    path("new", views.new, name="new"),
    path("<int:import_id>/", views.page, name="page"),
    path("<int:import_id>/state", views.state, name="state"),
    path("<int:import_id>/files/<str:name>", views.file, name="file"),
    path("<int:import_id>/publish", views.publish, name="publish"),
    path("<int:import_id>/delete", views.delete, name="delete"),
]
