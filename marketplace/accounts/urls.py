"""Addresses of this app."""

from __future__ import annotations

from django.urls import URLPattern, path

from marketplace.accounts import views

app_name = "accounts"
urlpatterns: list[URLPattern] = [
    path("", views.account, name="account"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke", views.revoke, name="revoke-token"),
]
