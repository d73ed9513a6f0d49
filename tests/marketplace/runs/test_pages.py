from __future__ import annotations

import re
from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.devices.models import WorkerNode
from marketplace.runs.forms import OrderForm
from marketplace.runs.models import Run, Trial
from marketplace.runs.pages import PIECES
from marketplace.runs.starts import trials_within
from marketplace.work.models import Step
from search.usual import searchable_families
from tests.factories import MEASURED, make_run, make_user, make_version
from tests.marketplace.clients import ReadingClient


def typed(version: DatasetVersion, **changes: Any) -> dict[str, Any]:
    values = {
        "dataset_version": version.pk,
        "device": "devboard",
        "latency_limit_ms": "3",
        "image_px": 64,
        "trials": "2",
        "onchip_limit_mib": "7.7",
        "family": "efficientnet_edgetpu",
    }
    return {**values, **changes}


@pytest.fixture
def run(owner: User, version: DatasetVersion) -> Run:
    return make_run(owner, version)


@pytest.fixture
def searching(owner: User, version: DatasetVersion) -> Run:
    row = Run.objects.create(
        owner=owner,
        dataset_version=version,
        status=Run.Status.SEARCHING,
        latency_limit_ms=3,
        device="devboard",
        onchip_limit_bytes=8_000_000,
        image_px=64,
        trials_wanted=2,
    )
    Trial.objects.create(run=row, number=1, status=Trial.Status.RUNNING)
    Trial.objects.create(run=row, number=2)
    return row


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("address", ["/runs/", "/runs/new", "/runs/1/", "/runs/1/files/labels.txt"])
def test_who_is_not_signed_in_is_led_to_the_sign_in(address: str) -> None:
    answer: Any = ReadingClient().get(address)
    assert answer.status_code == 302
    assert answer.url == f"/account/login/?next={address}"


@pytest.mark.parametrize("end", ["", "live", "files/labels.txt"])
def test_other_peoples_runs_do_not_exist(stranger: ReadingClient, run: Run, end: str) -> None:
    assert stranger.get(f"/runs/{run.pk}/{end}").status_code == 404


@pytest.mark.parametrize("act", ["stop", "cancel"])
def test_other_people_can_neither_stop_nor_cancel(stranger: ReadingClient, searching: Run, act: str) -> None:
    assert stranger.post(f"/runs/{searching.pk}/{act}").status_code == 404
    searching.refresh_from_db()
    assert (searching.status, searching.stop_requested) == (Run.Status.SEARCHING, False)


def test_the_list_shows_ones_own_runs_only(client: ReadingClient, run: Run) -> None:
    foreign = make_run(make_user("olga"))
    page = client.get("/runs/").content.decode()
    assert f"/runs/{run.pk}/" in page
    assert f"/runs/{foreign.pk}/" not in page
    assert "88.0 %" in page


def test_an_order_through_the_form_starts_a_run(client: ReadingClient, version: DatasetVersion) -> None:
    answer: Any = client.post("/runs/new", typed(version, latency_limit_ms="2,5"))
    run = Run.objects.get()
    assert answer.url == f"/runs/{run.pk}/"
    assert (run.latency_limit_ms, run.trials.count(), run.onchip_limit_bytes) == (2.5, 2, int(7.7 * 2**20))
    assert Step.objects.filter(kind=Step.Kind.TRIAL).count() == 2


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("latency_limit_ms", "0", "must be more than 0 ms"),
        ("latency_limit_ms", "-2", "must be more than 0 ms"),
        ("latency_limit_ms", "nan", "is a number of milliseconds"),
        ("latency_limit_ms", "fast", "is a number of milliseconds"),
        ("latency_limit_ms", "", "This field is required"),
        ("latency_limit_ms", "0.01", "the fastest for 64 px pictures"),
        ("onchip_limit_mib", "9", "the chip has no more"),
        ("onchip_limit_mib", "1e400", "is a number of MiB"),
        ("onchip_limit_mib", "1e300", "the chip has no more"),
        ("onchip_limit_mib", "-1", "must be more than 0"),
        ("trials", "0", "Order 1 to"),
        ("trials", "2.5", "is a whole number"),
        ("device", "toaster", "Choose one of these devices."),
        ("image_px", "63", "Choose one of these sizes."),
        ("dataset_version", "999999", "Choose one of your datasets that is ready"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    client: ReadingClient, version: DatasetVersion, field: str, value: str, sentence: str
) -> None:
    answer = client.post("/runs/new", typed(version, **{"trials": "5", field: value}))
    page = answer.content.decode()
    assert answer.status_code == 422
    errors = re.search(rf'id="id_{field}_error">(.*?)</ul>', page, re.S)
    assert errors
    assert sentence in errors[1]
    assert field == "trials" or 'value="5"' in page
    assert not Run.objects.exists()


def test_everything_that_the_form_offers_reaches_the_run(client: ReadingClient, version: DatasetVersion) -> None:
    WorkerNode.objects.create(name="reef", backbones=["tf2_mobilenet_v2_1.0_224_ptq"])
    page = client.get("/runs/new").content.decode()
    assert "MobileNetV2 1.0, ImageNet" in page
    chosen = {
        "start": "tf2_mobilenet_v2_1.0_224_ptq",
        "goal": "front",
        "minutes": "12,5",
        "trials": "",
        "end_early": "on",
        "file_limit_kb": "500",
    }
    client.post("/runs/new", typed(version, **chosen))
    run = Run.objects.get()
    assert (run.backbone, run.families) == ("tf2_mobilenet_v2_1.0_224_ptq", ["mobilenet_v2"])
    assert run.file_limit_bytes == 500_000
    assert (run.goal, run.minutes, run.min_gain, run.trials_wanted) == (
        "front",
        12.5,
        0.002,
        trials_within(12.5, run.backbone),
    )


def test_weights_that_no_worker_has_are_not_offered(client: ReadingClient, version: DatasetVersion) -> None:
    assert "MobileNetV2" not in client.get("/runs/new").content.decode()
    answer = client.post("/runs/new", typed(version, start="tf2_mobilenet_v2_1.0_224_ptq"))
    assert answer.status_code == 422
    assert "Choose one of these starts." in answer.content.decode()


def test_every_family_with_a_space_can_be_searched_alone_or_with_the_others(
    client: ReadingClient, version: DatasetVersion
) -> None:
    for family in (*searchable_families(), "all"):
        assert client.post("/runs/new", typed(version, family=family)).status_code == 302
    *single, together = Run.objects.order_by("pk").values_list("families", flat=True)
    assert [*single] == [[family] for family in searchable_families()]
    assert together == list(searchable_families())


def test_an_order_without_trials_and_minutes_has_no_end(client: ReadingClient, version: DatasetVersion) -> None:
    page = client.post("/runs/new", typed(version, trials="")).content.decode()
    assert "Say how many trials there are, or for how many minutes." in page


def test_only_ready_datasets_of_ones_own_can_be_chosen(client: ReadingClient, owner: User) -> None:
    make_version(owner, "unfinished", status=DatasetVersion.Status.CHECKING)
    foreign = make_version(make_user("olga"), "foreign")
    assert "No pictures yet" in client.get("/runs/new").content.decode()
    assert client.post("/runs/new", typed(foreign)).status_code == 422


def test_the_form_begins_with_the_chosen_dataset_and_its_picture_size(
    client: ReadingClient, owner: User, version: DatasetVersion
) -> None:
    make_version(owner, "newer")
    page = client.get(f"/runs/new?dataset={version.pk}").content.decode()
    assert f'<option value="{version.pk}" selected>' in page
    assert '<option value="96" selected>' in page  # pictures are 100 px, larger sizes are chosen knowingly
    assert client.get("/runs/new?dataset=none").status_code == 200


def test_every_option_of_the_order_has_a_hint(client: ReadingClient, owner: User, version: DatasetVersion) -> None:
    page = client.get("/runs/new").content.decode()
    hints = dict(re.findall(r'id="id_(\w+)_helptext">(.+?)</div>', page))
    assert hints.keys() == OrderForm(owner).fields.keys()
    assert all(hint.endswith(".") for hint in hints.values())


def test_the_hint_names_the_fastest_network_with_its_band(client: ReadingClient, version: DatasetVersion) -> None:
    page = client.get("/runs/hint", typed(version)).content.decode()
    assert re.search(r"needs <strong>\d\.\d+ ms</strong>", page)
    assert "estimated" in page
    assert re.search(r"\(\d\.\d+–\d\.\d+\)", page)
    assert "Your limit is below that" not in page


def test_the_hint_goes_by_earlier_trials_with_the_same_start(client: ReadingClient, run: Run) -> None:
    scratch = client.get("/runs/hint", typed(run.dataset_version)).content.decode()
    assert "As long as earlier trials on these pictures took." in scratch
    WorkerNode.objects.create(name="reef", backbones=["tf2_mobilenet_v2_1.0_224_ptq"])
    pretrained = typed(run.dataset_version, start="tf2_mobilenet_v2_1.0_224_ptq", trials="4")
    page = client.get("/runs/hint", pretrained).content.decode()
    assert "A rough guess" in page
    assert "about 19 minutes" in page  # four trials of 3.5 minutes, two at a time, three times that, the int8 files


def test_the_hint_says_that_no_network_meets_the_limit(client: ReadingClient, version: DatasetVersion) -> None:
    assert (
        "no network can meet it" in client.get("/runs/hint", typed(version, latency_limit_ms="0.01")).content.decode()
    )


@pytest.mark.parametrize("field", ["device", "image_px", "dataset_version"])
def test_the_hint_is_silent_while_it_cannot_know(client: ReadingClient, version: DatasetVersion, field: str) -> None:
    assert client.get("/runs/hint", typed(version, **{field: "?"})).content == b""


@pytest.mark.parametrize("field", ["latency_limit_ms", "trials", "onchip_limit_mib"])
@pytest.mark.parametrize("value", ["", "x", "-1", "1e999"])
def test_the_hint_bears_half_typed_numbers(
    client: ReadingClient, version: DatasetVersion, field: str, value: str
) -> None:
    assert client.get("/runs/hint", typed(version, **{field: value})).status_code == 200


def test_a_done_run_shows_what_came_out_with_units_and_origins(client: ReadingClient, run: Run) -> None:
    page = client.get(f"/runs/{run.pk}/").content.decode()
    for part in ("86.7 %", "1.84 ms", "estimated", "393 KiB", "not compiled", "no worker has edgetpu_compiler"):
        assert part in page
    assert f"/publish/{run.pk}/" in page
    assert "hx-trigger" not in page.split('id="run-poll"')[1]


def test_a_measured_latency_is_told_apart_from_the_estimated_one(
    client: ReadingClient, owner: User, version: DatasetVersion
) -> None:
    run = make_run(owner, version, measurement=MEASURED)
    page = client.get(f"/runs/{run.pk}/").content.decode()
    assert '2.31 ms <span class="origin measured">measured</span>' in page
    assert '1.84 ms <span class="origin estimated">estimated</span>' in page


@pytest.mark.parametrize("status", list(Run.Status))
def test_a_run_without_any_figure_can_be_shown_in_every_state(
    client: ReadingClient, owner: User, version: DatasetVersion, status: str
) -> None:
    names = ("estimate", "quantization", "compilation", "validation", "measurement")
    run = make_run(owner, version, {}, status=status, **{name: {} for name in names})
    assert client.get(f"/runs/{run.pk}/").status_code == 200


def test_what_people_wrote_cannot_become_markup(client: ReadingClient, owner: User) -> None:
    evil = "<script>alert(1)</script>"
    run = make_run(owner, make_version(owner, "evil", [evil, "b"]), failure=evil)
    Trial.objects.create(run=run, number=9, status=Trial.Status.FAILED, error=evil)
    page = client.get(f"/runs/{run.pk}/").content.decode() + client.get(f"/runs/{run.pk}/live").content.decode()
    assert evil not in page
    assert "&lt;script&gt;" in page


def seen_by(client: ReadingClient, run: Run) -> str:
    found = re.search(r"seen=([\w.]+)", client.get(f"/runs/{run.pk}/").content.decode())
    assert found
    return found[1]


def test_an_open_page_is_sent_nothing_while_nothing_changes(client: ReadingClient, searching: Run) -> None:
    answer = client.get(f"/runs/{searching.pk}/live?seen={seen_by(client, searching)}")
    assert (answer.status_code, answer.content) == (204, b"")


def test_an_open_page_is_sent_only_what_changed(client: ReadingClient, searching: Run) -> None:
    seen = seen_by(client, searching)
    progress = {"phase": "Training", "epoch": 3, "epochs": 10}
    Step.objects.create(
        kind=Step.Kind.TRIAL, subject=searching.trials.get(number=1).pk, status=Step.Status.LEASED, progress=progress
    )
    answer = client.get(f"/runs/{searching.pk}/live?seen={seen}").content.decode()
    assert re.findall(r'id="run-(\w+)" hx-swap-oob', answer) == ["progress", "board"]
    assert "epoch 4 of 10" in answer
    assert 'hx-trigger="every 2s"' in answer


@pytest.mark.parametrize("seen", ["", "x", "." * 20, "<b>"])
def test_a_page_that_knows_nothing_is_sent_everything(client: ReadingClient, searching: Run, seen: str) -> None:
    answer = client.get(f"/runs/{searching.pk}/live", {"seen": seen}).content.decode()
    assert re.findall(r'id="run-(\w+)" hx-swap-oob', answer) == list(PIECES)


def test_an_open_page_stops_asking_once_the_run_has_ended(client: ReadingClient, searching: Run) -> None:
    seen = seen_by(client, searching)
    Run.objects.filter(pk=searching.pk).update(status=Run.Status.CANCELLED)
    answer = client.get(f"/runs/{searching.pk}/live?seen={seen}").content.decode()
    assert "hx-trigger" not in answer
    assert "Cancelled" in answer


def test_an_open_page_whose_person_is_signed_out_is_loaded_anew(searching: Run) -> None:
    for address in (f"/runs/{searching.pk}/live", "/runs/hint"):
        answer: Any = ReadingClient().get(address)
        assert answer.headers["HX-Refresh"] == "true"


def test_stopping_keeps_the_run_and_drops_waiting_trials(client: ReadingClient, searching: Run) -> None:
    answer: Any = client.post(f"/runs/{searching.pk}/stop", follow=True)
    searching.refresh_from_db()
    assert searching.stop_requested
    assert "No further trial starts" in answer.body.decode()
    assert searching.trials.get(number=2).status == Trial.Status.CANCELLED


def test_cancelling_ends_the_run(client: ReadingClient, searching: Run) -> None:
    client.post(f"/runs/{searching.pk}/cancel")
    searching.refresh_from_db()
    assert searching.status == Run.Status.CANCELLED


def test_what_has_ended_cannot_be_cancelled_and_the_page_says_why(client: ReadingClient, run: Run) -> None:
    answer: Any = client.post(f"/runs/{run.pk}/cancel", follow=True)
    assert "This run has ended already." in answer.body.decode()


@pytest.mark.parametrize("act", ["stop", "cancel"])
def test_a_link_alone_neither_stops_nor_cancels(client: ReadingClient, searching: Run, act: str) -> None:
    assert client.get(f"/runs/{searching.pk}/{act}").status_code == 405


def test_a_file_comes_whole_with_its_hash(client: ReadingClient, run: Run) -> None:
    answer: Any = client.get(f"/runs/{run.pk}/files/labels.txt")
    artifact = run.artifacts.get(name="labels.txt")
    assert answer.body == b"brain coral\nfan coral\nstar coral\n"
    assert answer.headers["ETag"] == f'"{artifact.sha256}"'
    assert answer.headers["Content-Disposition"] == 'attachment; filename="labels.txt"'
    again = client.get(f"/runs/{run.pk}/files/labels.txt", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_file_that_the_run_did_not_make_is_not_there(client: ReadingClient, run: Run) -> None:
    answer = client.get(f"/runs/{run.pk}/files/model_edgetpu.tflite")
    assert answer.status_code == 404
    assert "no file “model_edgetpu.tflite”" in answer.content.decode()
