"""Pages about oneself, names that nobody can take, Django's admin, the workers' page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.accounts.names import RESERVED
from marketplace.devices.models import WorkerNode
from marketplace.urls import urlpatterns
from tests.factories import make_release, make_run, make_secret, make_user
from tests.marketplace.clients import ReadingClient as Client

pytestmark = pytest.mark.django_db
SIGN_UP = {"password1": "quiet-lagoon-42", "email": ""}


@pytest.mark.parametrize("path", ["/settings/", "/settings/tokens/", "/notices/", "/devices/", "/publish/1/"])
def test_a_stranger_is_led_to_the_sign_in_and_back(client: Client, path: str) -> None:
    assert client.get(path)["Location"] == f"/account/login/?next={path}"


def test_the_account_page_shows_who_one_is(client: Client) -> None:
    client.force_login(make_user("reef", email="reef@example.org"))
    text = client.get("/settings/").body.decode()
    assert "reef@example.org" in text
    assert "/account/password/change/" in text


@pytest.mark.parametrize("name", ["admin", "api", "notices", "publish", "settings", "runs", "Admin", "RUNS", "static"])
def test_words_of_the_sites_own_addresses_cannot_be_taken_as_names(client: Client, name: str) -> None:
    answer = client.post("/account/signup/", {"username": name, **SIGN_UP})
    assert answer.status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "-a", "ä", "a_b", "a.b", "x" * 40])
def test_names_that_do_not_fit_into_an_address_cannot_be_taken(client: Client, name: str) -> None:
    client.post("/account/signup/", {"username": name, **SIGN_UP})
    assert not User.objects.exists()


def test_a_plain_name_can_be_taken_and_is_ones_address(client: Client) -> None:
    client.post("/account/signup/", {"username": "reef-2", **SIGN_UP})
    assert User.objects.get().username == "reef-2"
    assert client.get("/reef-2").status_code == 200


def test_every_first_word_of_an_address_is_reserved() -> None:
    words = {str(one.pattern).split("/")[0] for one in urlpatterns} | {"publish", "notices", "static"}
    assert words - {""} - RESERVED == set()


def test_the_workers_page_says_what_is_missing_and_how_to_add_it(client: Client) -> None:
    client.force_login(make_user())
    text = client.get("/devices/").body.decode()
    assert "No worker has announced itself" in text
    assert "ATOLL_EDGETPU_COMPILER" in text
    assert "libedgetpu1-std" in text


def test_the_workers_page_lists_what_each_worker_has(client: Client) -> None:
    client.force_login(make_user())
    stick = {"link": "usb3", "path": "/dev/bus/usb/001/002", "name": "usb:0"}
    WorkerNode.objects.create(name="worker@here", compiler="16.0.384591198", edge_tpus=[stick])
    WorkerNode.objects.create(name="worker@gone", seen_at=timezone.now() - timedelta(hours=1))
    WorkerNode.objects.create(name="worker@long-ago", seen_at=timezone.now() - timedelta(days=30))
    text = client.get("/devices/").body.decode()
    assert "16.0.384591198" in text
    assert "usb:0, usb3" in text
    assert "worker@gone" in text
    assert "silent" in text
    assert "worker@long-ago" not in text


def test_every_admin_page_opens_and_shows_no_hash_of_a_token(client: Client) -> None:
    chief = make_user("chief", is_staff=True, is_superuser=True)
    make_release(chief, "corals", make_run(chief))
    token, _ = make_secret(chief)
    client.force_login(chief)
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listed = client.get(reverse(f"{name}_changelist"))
        assert listed.status_code == 200, model
        row = model._default_manager.first()
        if row is not None:
            shown = client.get(reverse(f"{name}_change", args=[row.pk]))
            assert shown.status_code == 200, model
            assert token.sha256 not in shown.body.decode()


def test_the_admin_is_closed_to_others(client: Client) -> None:
    client.force_login(make_user())
    assert client.get("/admin/catalog/listing/").status_code == 302
