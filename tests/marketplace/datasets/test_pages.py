"""The pages of datasets, and who may see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from django.test import Client

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.work.models import Step
from tests.marketplace.datasets.archives import good_files, good_zip, picture, zip_of
from tests.marketplace.datasets.conftest import form
from tests.marketplace.datasets.test_services import order_run

Worker = Callable[[DatasetVersion], DatasetVersion]
SCRIPT = {"Accept": "application/json"}


def uploaded(page: Client, content: bytes) -> DatasetVersion:
    answer = page.post("/datasets/new", form(content))
    assert answer.status_code == 302
    return DatasetVersion.objects.get(pk=int(answer["Location"].strip("/").split("/")[-1]))


def text(page: Client, address: str, status: int = 200) -> str:
    answer = page.get(address)
    assert answer.status_code == status
    return unescape(answer.content.decode())


def test_a_person_without_datasets_is_told_what_to_do(page: Client) -> None:
    assert "No dataset yet" in text(page, "/datasets/")


def test_the_form_shows_what_the_zip_should_look_like(page: Client) -> None:
    shown = text(page, "/datasets/new?name=leaves")
    assert "├── healthy/" in shown
    assert 'value="leaves"' in shown
    assert "datasets/upload.js" in shown


def test_the_script_is_told_where_to_go_on(page: Client) -> None:
    answer = page.post("/datasets/new", form(good_zip()), headers=SCRIPT)
    assert answer.status_code == 202
    assert answer.json() == {"location": f"/datasets/{DatasetVersion.objects.get().pk}/"}


def test_the_script_is_told_the_sentence(page: Client) -> None:
    answer = page.post("/datasets/new", form(b"no"), headers=SCRIPT)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("This file is not a ZIP archive.")


def test_the_page_shows_how_far_the_check_is_and_asks_again(page: Client) -> None:
    version = uploaded(page, good_zip())
    waiting = text(page, version.get_absolute_url())
    assert "Waiting for a worker" in waiting
    assert f'hx-get="/datasets/{version.pk}/state"' in waiting
    Step.objects.update(status="leased", progress={"done": 1200, "total": 2400, "phase": "Decoding pictures"})
    state = text(page, f"/datasets/{version.pk}/state")
    assert "Decoding pictures: 1,200 of 2,400" in state
    assert 'value="50"' in state


def test_a_ready_dataset_shows_its_figures_and_asks_no_more(page: Client, work: Worker) -> None:
    version = work(uploaded(page, zip_of({**good_files(), "circle/copy.png": picture(1), "notes.txt": b"x"})))
    shown = text(page, version.get_absolute_url())
    assert "Ready" in shown
    assert "hx-get" not in shown
    assert f'href="/runs/new?dataset={version.pk}"' in shown
    assert 'aria-label="8 train, 2 validation, 2 test"' in shown
    assert "Exact duplicates within a class" in shown
    assert "circle/copy.png: the same as circle/0001.png" in shown or "circle/0001.png: the same as" in shown
    cards = text(page, "/datasets/")
    assert "24 pictures · 2 classes" in cards


def test_hostile_names_are_only_text(page: Client, work: Worker) -> None:
    hostile = "circle/<img src=x onerror=alert(1)>.txt"
    version = work(uploaded(page, zip_of({**good_files(), hostile: b"x"})))
    raw = page.get(version.get_absolute_url()).content.decode()
    assert "<img src=x" not in raw
    assert "&lt;img src=x onerror=alert(1)&gt;.txt" in raw


def test_the_contact_sheet_is_a_picture_and_nothing_else(page: Client, work: Worker) -> None:
    version = work(uploaded(page, good_zip()))
    answer = page.get(f"/datasets/{version.pk}/sheet")
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"].startswith("private")
    assert b"".join(answer).startswith(b"\xff\xd8")  # type: ignore[arg-type]


def test_the_manifest_lists_every_picture(page: Client, work: Worker) -> None:
    version = work(uploaded(page, zip_of({**good_files(), "circle/cut.png": b"x"})))
    answer = page.get(f"/datasets/{version.pk}/manifest")
    listed = json.loads(b"".join(answer))  # type: ignore[arg-type]
    assert answer["Content-Disposition"] == 'attachment; filename="shapes-1.json"'
    assert len(listed["pictures"]) == 24
    assert listed["left_out"] == [{"name": "circle/cut.png", "kind": "undecodable"}]


def test_before_it_is_ready_there_is_no_sheet(page: Client) -> None:
    version = uploaded(page, good_zip())
    assert "not ready" in text(page, f"/datasets/{version.pk}/sheet", 404)


@pytest.mark.parametrize("rest", ["", "state", "sheet", "manifest"])
def test_others_see_nothing(rest: str, page: Client, ben: User, work: Worker) -> None:
    version = work(uploaded(page, good_zip()))
    other = Client()
    other.force_login(ben)
    assert other.get(f"/datasets/{version.pk}/{rest}").status_code == 404
    assert other.get(f"/api/datasets/{version.pk}").status_code == 404
    assert other.get("/api/datasets").json() == []
    assert "shapes" not in text(other, "/datasets/")
    stranger = Client().get(f"/datasets/{version.pk}/{rest}")
    assert stranger.status_code == 302
    assert stranger["Location"].startswith("/account/login/")
    assert Client().get(f"/api/datasets/{version.pk}").status_code == 401


def test_others_delete_nothing(page: Client, ben: User) -> None:
    version = uploaded(page, good_zip())
    other = Client()
    other.force_login(ben)
    assert other.post(f"/datasets/{version.pk}/delete").status_code == 404
    assert other.delete(f"/api/datasets/{version.pk}").status_code == 404
    assert DatasetVersion.objects.count() == 1


def test_a_version_is_deleted_from_its_page(page: Client) -> None:
    version = uploaded(page, good_zip())
    assert page.get(f"/datasets/{version.pk}/delete").status_code == 405
    answer = page.post(f"/datasets/{version.pk}/delete", follow=True)
    assert "Version 1 of shapes was deleted" in unescape(answer.content.decode())
    assert DatasetVersion.objects.count() == 0


def test_a_used_version_says_why_it_stays(page: Client, program: Client, work: Worker) -> None:
    version = work(uploaded(page, good_zip()))
    order_run(version)
    assert "1 run uses this version" in unescape(page.post(f"/datasets/{version.pk}/delete").content.decode())
    answer = program.delete(f"/api/datasets/{version.pk}")
    assert answer.status_code == 409
    assert "Delete the runs first" in answer.json()["detail"]


def test_the_api_deletes_a_version(program: Client) -> None:
    address = program.post("/api/datasets", form(good_zip()))["Location"]
    assert program.delete(address).status_code == 204
    assert program.get(address).status_code == 404


def test_the_api_lists_versions_a_page_at_a_time(program: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.datasets.api.PAGE", 2)
    for count in (10, 11, 12):
        program.post("/api/datasets", form(good_zip(per_class=count)))
    first = program.get("/api/datasets")
    assert [one["version"] for one in first.json()] == [3, 2]
    following = first["Link"].split(">")[0].strip("<")
    second = program.get(following)
    assert [one["version"] for one in second.json()] == [1]
    assert "Link" not in second


def test_pages_of_many_classes_stay_small(page: Client, work: Worker) -> None:
    names = tuple(f"class {number}" for number in range(90))
    version = work(uploaded(page, zip_of(good_files(per_class=10, classes=names, px=8))))
    shown = text(page, version.get_absolute_url())
    assert "and 30 more classes" in shown
    assert shown.count("histogram-row") == 60


def test_a_page_needs_few_queries(
    page: Client, work: Worker, files_dir: Path, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for count in (10, 11, 12, 13):
        work(uploaded(page, good_zip(per_class=count)))
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        page.get("/datasets/")
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        page.get(f"/datasets/{DatasetVersion.objects.latest('pk').pk}/")
