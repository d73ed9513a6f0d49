"""Addresses of this app."""

from __future__ import annotations

from django.urls import URLPattern, path

from marketplace.devices import views

app_name = "devices"
urlpatterns: list[URLPattern] = [path("", views.devices, name="devices")]
