"""Every address of the site. Owners' models come last: their first part is a person's name."""

from django.contrib import admin
from django.urls import include, path

from marketplace import views
from marketplace.api.urls import api

urlpatterns = [
    path("admin/", admin.site.urls),
    path("account/", include("allauth.account.urls")),
    path("settings/", include("marketplace.accounts.urls")),
    path("datasets/", include("marketplace.datasets.urls")),
    path("runs/", include("marketplace.runs.urls")),
    path("imports/", include("marketplace.imports.urls")),
    path("devices/", include("marketplace.devices.urls")),
    path("api/", api.urls),
    path("health", views.health),
    path("", include("marketplace.catalog.urls")),
]
handler404 = "marketplace.views.not_found"
handler500 = "marketplace.views.server_error"
