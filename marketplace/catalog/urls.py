"""Addresses of this app. Fixed words come before people's names."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from marketplace.catalog import retrain_views, views
from marketplace.catalog.converters import NameConverter, OwnerConverter, RevisionConverter

register_converter(OwnerConverter, "owner")
register_converter(NameConverter, "model")
register_converter(RevisionConverter, "release")

app_name = "catalog"
MODEL = "<owner:owner>/<model:name>"
urlpatterns: list[URLPattern] = [
    path("", views.catalogue, name="catalogue"),
    path("publish/<int:run_id>/", views.publish, name="publish"),
    path("notices/", views.notices, name="notices"),
    path("notices/<int:notice_id>/", views.open_notice, name="notice"),
    path("notices/read/", views.read_notices, name="read-notices"),
    path("<owner:owner>", views.person, name="person"),
    path("<owner:owner>/", views.without_slash),
    path(MODEL, views.listing, name="listing"),
    path(f"{MODEL}/", views.without_slash),
    path(f"{MODEL}/subscription", views.change_subscription, name="subscription"),
    path(f"{MODEL}/edit", views.edit, name="edit"),
    path(f"{MODEL}/retrain", retrain_views.retrain, name="retrain"),
    path(f"{MODEL}/resolve/<str:revision>/<path:file_name>", views.download, name="download"),
    path(f"{MODEL}/<release:revision>", views.listing, name="release"),
]
