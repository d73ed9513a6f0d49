"""The pages of the catalogue: they render for any card, and say what is so."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import User
from marketplace.catalog.models import Listing, Notice, Release
from marketplace.catalog.services import subscribe
from tests.factories import ARCHITECTURE, CLASSES, MEASURED, figures, make_release, make_run, make_user, make_version
from tests.marketplace.clients import ReadingClient as Client

pytestmark = pytest.mark.django_db

EMPTY: dict[str, Any] = {key: {} for key in ("estimate", "quantization", "compilation", "validation", "measurement")}
NONSENSE: dict[str, Any] = {
    "estimate": {"latency_ms": "fast", "layers": [1, None, {}], "ops_on_cpu": "none", "cached_bytes": -1, "ops": None},
    "quantization": {"int8": [], "uint8": {"input": {"shape": "square", "scale": True}}},
    "compilation": {"state": 7, "sentence": None},
    "validation": {
        "pictures": "many",
        "interval": [1],
        "per_class": [{}, 3],
        "confusion": [[1, 2], [3]],
        "int8_accuracy": 2,
    },
    "measurement": {"state": "measured"},
}
PARTIAL: dict[str, Any] = {
    "estimate": {"latency_ms": 2.5},
    "quantization": {"uint8": {"input": {"dtype": "uint8", "scale": 0.5}}},
    "compilation": {"state": "failed", "sentence": "The compiler refused it: too large."},
    "validation": {"int8_accuracy": 0.5, "per_class": [{"name": "brain coral", "recall": None}]},
    "measurement": {"state": "measured", "p50_ms": 2.31},
}


@pytest.fixture
def owner() -> User:
    return make_user("reef")


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.body[:500]
    return str(answer.body.decode())


def test_the_start_page_tells_a_stranger_what_this_is_and_what_to_do_first(client: Client) -> None:
    text = page(client, "/")
    assert "Coral Edge TPU" in text
    assert "No model has been published yet" in text
    assert "Sign up" in text


def test_the_start_page_shows_models_with_their_figures_and_the_origin_of_the_latency(
    client: Client, owner: User
) -> None:
    make_release(owner, "corals", title="Corals of the reef")
    make_release(owner, "measured", make_run(owner, measurement=MEASURED))
    text = page(client, "/")
    assert "Corals of the reef" in text
    assert "86.7 %" in text
    assert '1.84 ms <span class="origin estimated">estimated</span>' in text
    assert '2.31 ms <span class="origin measured">measured</span>' in text


def test_the_pages_that_others_link_to_answer_head_as_link_checkers_ask(client: Client, owner: User) -> None:
    release = make_release(owner)
    for address in ("/", f"/{owner.username}", f"/{release.listing}"):
        assert client.head(address).status_code == 200


def test_a_search_finds_says_when_it_does_not_and_never_fails(client: Client, owner: User) -> None:
    make_release(owner, "corals", title="Corals of the reef")
    assert "Corals of the reef" in page(client, "/?search=corals&device=devboard&max_latency_ms=2&sort=latency")
    assert "No model fits" in page(client, "/?search=sponges")
    for query in (
        "max_latency_ms=nan",
        "max_latency_ms=x",
        "max_latency_ms=-1",
        "sort=x",
        "device=x",
        "page=-3",
        "page=x",
    ):
        assert "Corals of the reef" in page(client, f"/?{query}")


def test_pages_of_the_catalogue_keep_the_search(client: Client, owner: User) -> None:
    run = make_run(owner)
    for number in range(26):
        make_release(owner, f"model-{number}", run)
    first = page(client, "/?search=model&sort=accuracy")
    assert "?search=model&amp;sort=accuracy&amp;page=2" in first
    assert first.count('class="card model"') == 24
    assert page(client, "/?search=model&sort=accuracy&page=2").count('class="card model"') == 2


@pytest.mark.parametrize("columns", [figures(), {**figures(), "measurement": MEASURED}, EMPTY, NONSENSE, PARTIAL])
def test_every_page_renders_whatever_the_run_knows(client: Client, owner: User, columns: dict[str, Any]) -> None:
    run = make_run(owner, **columns)
    client.force_login(owner)
    assert "What its card will say" in page(client, f"/publish/{run.pk}/")
    release = make_release(owner, "corals", run)
    for path in ("/", "/reef", "/reef/corals", "/reef/corals/v1", f"/reef/corals/{release.revision}"):
        text = page(client, path)
        assert "None" not in text.replace("None of", "")
        assert "nan" not in text.lower().split()


def test_an_unknown_figure_is_a_dash_and_never_a_zero(client: Client, owner: User) -> None:
    make_release(owner, "corals", make_run(owner, **EMPTY))
    text = page(client, "/reef/corals")
    assert "0.0 %" not in text
    assert "not known" in text
    assert "The run holds no accuracy for this model." in text


def test_the_page_of_a_model_shows_what_nobody_else_states(client: Client, owner: User) -> None:
    release = make_release(owner, "corals", title="Corals", summary="Three of them.", notes="The first.")
    text = page(client, "/reef/corals")
    facts = [
        "95 % interval 62.1 % to 96.3 %",
        "1.62 ms to 2.09 ms on Coral Dev Board (PCIe)",
        "RGB",
        "the pixel as it is, 0 to 255",
        "the pixel minus 128",
        "0.0078125",
        "393 KiB stays on the chip",
        "100 KiB streamed at every inference",
        "SOFTMAX",
        "its axis is too long",
        "Not compiled: no worker has edgetpu_compiler.",
        "star coral",
        "Layer by layer (3)",
        "confusion matrix",
        "Apache License 2.0",
        "The first.",
        release.revision,
    ]
    assert [fact for fact in facts if fact not in text] == []
    for file in release.files.all():
        assert file.sha256 in text
        assert f"curl -fLO -C - http://testserver/reef/corals/resolve/{release.revision}/{file.name}" in text


def test_the_page_of_a_model_says_how_it_learned(client: Client, owner: User) -> None:
    run = make_run(owner, seed=12345, backbone="tf2_mobilenet_v2_1.0_224_ptq")
    assert run.best_trial is not None
    run.best_trial.architecture = {**ARCHITECTURE, "choices": {"learns": "all", "rate": 0.5}}
    run.best_trial.metrics, run.best_trial.proposal = {"epochs": 25}, {"teacher": 2}
    run.best_trial.save()
    make_release(owner, "corals", run)
    text = page(client, "/reef/corals")
    assert "<dd>25 epochs</dd>" in text
    assert "all layers, taught by trial 2 of its search, half the usual learning rate, seed 12345" in text


def test_hostile_words_are_shown_as_words(client: Client, owner: User) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    version = make_version(owner, classes=[evil, "fan coral"])
    run = make_run(owner, version, **{**figures([evil, "fan coral"]), "compilation": {"sentence": evil}})
    make_release(owner, "corals", run, title=evil, summary=evil, notes=evil)
    reader = make_user()
    subscribe(user=reader, listing=Listing.objects.get())
    make_release(owner, "corals", make_run(owner, version), notes=evil)
    client.force_login(reader)
    for path in ("/", "/reef", "/reef/corals", "/reef/corals/v1", "/notices/", f"/?search={evil}"):
        text = page(client, path)
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_an_older_release_has_its_own_page_and_points_to_the_newest(client: Client, owner: User) -> None:
    make_release(owner, "corals", notes="The first.")
    make_release(owner, "corals", notes="The second.")
    assert "There is a newer release" in page(client, "/reef/corals/v1")
    assert "There is a newer release" not in page(client, "/reef/corals/v2")
    page(client, "/reef/corals/v3", 404)


def test_addresses_with_a_slash_too_many_or_too_few_lead_home(client: Client, owner: User) -> None:
    make_release(owner, "corals")
    expected = {"/reef/": "/reef", "/reef/corals/": "/reef/corals", "/notices": "/notices/", "/devices": "/devices/"}
    assert {path: client.get(path).headers["Location"] for path in expected} == expected


@pytest.mark.parametrize("path", ["/nobody", "/nobody/corals", "/reef/none", "/Reef", "/reef/Corals", "/reef/corals/x"])
def test_what_is_not_there_is_a_page_that_says_so(client: Client, owner: User, path: str) -> None:
    make_release(owner, "corals")
    assert "<h1>" in page(client, path, 404)


def test_a_person_subscribes_and_unsubscribes_without_scripts(client: Client, owner: User) -> None:
    make_release(owner, "corals")
    reader = make_user()
    client.force_login(reader)
    assert "Subscribe</button>" in page(client, "/reef/corals")
    answer = client.post("/reef/corals/subscription", {"next": "https://evil.example/"})
    assert (answer.status_code, answer["Location"]) == (302, "/reef/corals")
    assert "You are subscribed" in page(client, "/reef/corals")
    make_release(owner, "corals", notes="Better on fans.")
    text = page(client, "/notices/")
    assert "Better on fans." in text
    notice = Notice.objects.get()
    assert f'href="/notices/{notice.pk}/"' in text
    assert 'aria-label="Notices, 1 unread"' in text
    client.post("/reef/corals/subscription", {"wanted": "no"})
    assert "You are subscribed" not in page(client, "/reef/corals")
    assert client.post("/notices/read/", {"notice": str(notice.pk)})["Location"] == "/notices/"
    assert 'aria-label="Notices"' in page(client, "/notices/")


def test_a_stranger_who_subscribes_is_led_to_the_sign_in_and_back_to_the_model(client: Client, owner: User) -> None:
    make_release(owner, "corals")
    answer = client.post("/reef/corals/subscription")
    assert answer["Location"] == "/account/login/?next=/reef/corals"
    assert "Sign in to subscribe" in page(client, "/reef/corals")


def test_writes_need_the_csrf_token(owner: User) -> None:
    make_release(owner, "corals")
    run = make_run(owner)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    for path in ("/reef/corals/subscription", "/reef/corals/edit", f"/publish/{run.pk}/", "/notices/read/"):
        assert strict.post(path, {"name": "x", "title": "x", "licence": "mit"}).status_code == 403


def test_a_run_is_published_by_form(client: Client, owner: User) -> None:
    run = make_run(owner, make_version(owner, "corals"))
    client.force_login(owner)
    assert 'value="corals"' in page(client, f"/publish/{run.pk}/")
    body = {"name": "corals", "title": "Corals", "licence": "mit", "private": "on", "notes": "The first."}
    answer = client.post(f"/publish/{run.pk}/", body)
    assert (answer.status_code, answer["Location"]) == (302, "/reef/corals")
    listing = Listing.objects.get()
    assert (listing.title, listing.private, listing.licence) == ("Corals", True, "mit")
    again = client.post(f"/publish/{run.pk}/", body)
    assert again.status_code == 200
    assert "These very files are v1 of reef/corals already" in again.body.decode().replace("&#x27;", "'")
    assert Release.objects.count() == 1


def test_a_form_says_beside_its_field_what_is_wrong(client: Client, owner: User) -> None:
    run = make_run(owner)
    client.force_login(owner)
    text = client.post(f"/publish/{run.pk}/", {"name": "Not A Name", "licence": "mit"}).body.decode()
    assert 'id="id_name_error"' in text
    assert "Use 1 to 39 small letters" in text


def test_an_owner_edits_words_and_visibility(client: Client, owner: User) -> None:
    make_release(owner, "corals")
    client.force_login(owner)
    page(client, "/reef/corals/edit")
    client.post("/reef/corals/edit", {"title": "New words", "summary": "s", "private": "on"})
    listing = Listing.objects.get()
    assert (listing.title, listing.summary, listing.private) == ("New words", "s", True)
    assert client.post("/reef/corals/edit", {"title": ""}).status_code == 200


def test_the_owners_page_shows_others_only_public_models(client: Client, owner: User) -> None:
    make_release(owner, "open")
    make_release(owner, "secret", private=True)
    assert "secret" not in page(client, "/reef")
    client.force_login(make_user())
    assert "secret" not in page(client, "/reef")
    client.force_login(owner)
    assert "secret" in page(client, "/reef")


def test_classes_are_listed_the_hardest_first(client: Client, owner: User) -> None:
    make_release(owner, "corals")
    text = page(client, "/reef/corals").split("Class by class")[1]
    assert [text.index(f"<th>{name}</th>") for name in CLASSES] == sorted(
        text.index(f"<th>{name}</th>") for name in CLASSES
    )


def test_a_page_of_many_models_asks_the_database_no_more_than_one_of_few(client: Client, owner: User) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, path)
        return len(captured)

    reader = make_user()
    listing = make_release(owner, "corals").listing
    subscribe(user=reader, listing=listing)
    make_release(owner, "corals")
    client.force_login(reader)
    paths = ("/", "/reef", "/reef/corals", "/notices/", "/api/models?full=true")
    few = [queries(path) for path in paths]
    for number in range(5):
        make_release(owner, f"model-{number}")
        make_release(owner, "corals")
    assert [queries(path) for path in paths] == few
    assert max(few) <= 9


def test_a_notice_leads_to_its_release_and_is_read_then(client: Client, owner: User) -> None:
    reader = make_user()
    subscribe(user=reader, listing=make_release(owner, "corals").listing)
    make_release(owner, "corals")
    path = f"/notices/{Notice.objects.get().pk}/"
    client.force_login(make_user())
    page(client, path, 404)
    assert Notice.objects.get().read_at is None
    client.force_login(reader)
    assert client.get(path)["Location"] == "/reef/corals/v2"
    assert Notice.objects.get().read_at is not None


def test_many_classes_show_the_hardest_first_and_fold_the_others(client: Client, owner: User) -> None:
    names = [f"class {number:03}" for number in range(60)]
    make_release(owner, "corals", make_run(owner, make_version(owner, classes=names), **figures(names)))
    text = page(client, "/reef/corals")
    assert "40 more classes" in text
    assert "With 60 classes the confusion matrix is too large for a page" in text
    assert "60 of them, in" in text
