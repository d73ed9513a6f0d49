"""Addresses of this app."""

from __future__ import annotations

from django.urls import URLPattern, path

from marketplace.runs import views

app_name = "runs"
urlpatterns: list[URLPattern] = [
    path("", views.run_list, name="list"),
    path("new", views.order, name="order"),
    path("hint", views.hint, name="hint"),
    path("<int:run_id>/", views.run_page, name="page"),
    path("<int:run_id>/live", views.live, name="live"),
    path("<int:run_id>/stop", views.stop, name="stop"),
    path("<int:run_id>/trials", views.add_trials, name="add-trials"),
    path("<int:run_id>/choose", views.choose, name="choose"),
    path("<int:run_id>/cancel", views.cancel, name="cancel"),
    path("<int:run_id>/files/<str:name>", views.file, name="file"),
]
