"""The published networks that a marketplace begins with."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from edgetpu.devices import DEVICES
from edgetpu.latency import estimate
from marketplace.accounts.models import User
from marketplace.accounts.names import HOUSE, is_free_to_take
from marketplace.catalog.models import Listing, Notice, Release, Subscription
from marketplace.catalog.preset_services import CHANGED, SAME, house, load_preset
from marketplace.catalog.presets import ARCHITECTURE_ONLY, Preset, presets, title_of
from marketplace.catalog.retraining import order_retraining
from models.backbones import FOLDER_VARIABLE
from models.families import FAMILIES
from models.families.published import PUBLISHED
from tests.factories import make_release, make_user, make_version
from tests.marketplace.clients import ReadingClient

PRETRAINED = Path(__file__).resolve().parents[4] / "shared" / "data" / "pretrained"
needs_weights = pytest.mark.skipif(not PRETRAINED.is_dir(), reason="../shared/data/pretrained is not here")


@pytest.fixture(autouse=True)
def without_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def preset(name: str) -> Preset:
    return next(each for each in presets() if each.name == name)


def load() -> str:
    said = StringIO()
    call_command("load_presets", stdout=said)
    return said.getvalue().strip()


@pytest.mark.django_db
def test_every_published_network_becomes_a_model_and_a_second_time_changes_nothing() -> None:
    count = sum(len(family.published) for family in FAMILIES.values())
    assert load() == f"{count} models: {count} new, 0 changed, 0 as before."
    before = list(Release.objects.values_list("pk", "revision"))
    assert load() == f"{count} models: 0 new, 0 changed, {count} as before."
    assert list(Release.objects.values_list("pk", "revision")) == before
    assert set(Release.objects.values_list("kind", flat=True)) == {Release.Kind.PRESET}
    Release.objects.update(revision="0" * 40)
    call_command("load_presets", "--once")
    assert Release.objects.count() == count


@pytest.mark.django_db
def test_a_network_without_weights_says_so_and_shows_estimates_and_quoted_figures(client: ReadingClient) -> None:
    load_preset(preset("efficientnet-edgetpu-s"), house())
    release = Release.objects.get()
    graph = FAMILIES["efficientnet_edgetpu"].published["efficientnet-edgetpu-s"].graph(1000)
    assert release.latency_ms == estimate(graph, "devboard").ms
    assert [row["device"] for row in release.card["latencies"]] == list(DEVICES)
    assert all(row["low_ms"] < row["ms"] < row["high_ms"] for row in release.card["latencies"])
    page = client.get("/atoll/efficientnet-edgetpu-s").content.decode()
    quoted = PUBLISHED["efficientnet-edgetpu-s"]
    for part in (ARCHITECTURE_ONLY, f"{quoted.top1} %", quoted.top1_source, "Search this family", "architecture.json"):
        assert part in page
    assert "my_pictures" not in page  # the script needs a checkpoint


@pytest.mark.django_db
def test_a_changed_figure_becomes_the_next_release_and_subscribers_hear_of_it() -> None:
    first = preset("squeezenet-1-1")
    load_preset(first, house())
    reader, listing = make_user(), Listing.objects.get()
    Subscription.objects.create(user=reader, listing=listing)
    Release.objects.update(revision="0" * 40)  # as if another version of Atoll had estimated other figures
    assert load_preset(first, house()) == CHANGED
    listing.refresh_from_db()
    assert listing.latest is not None
    assert (listing.latest.number, Notice.objects.get().user) == (2, reader)
    assert load_preset(first, house()) == SAME


@needs_weights
@pytest.mark.django_db
def test_weights_that_lie_here_come_with_the_network_as_they_were_published(
    monkeypatch: pytest.MonkeyPatch, client: ReadingClient
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(PRETRAINED))
    load_preset(preset("mobilenet-v2-1"), house())
    release = Release.objects.get()
    files = {file.name: file.byte_count for file in release.files.all()}
    original = PRETRAINED / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
    assert files[original.name] == original.stat().st_size
    assert {"labels.txt", "architecture.json", "card.json"} < set(files)
    assert "Retrain on your own pictures" in client.get("/atoll/mobilenet-v2-1").content.decode()
    learner = make_user()
    run = order_retraining(owner=learner, release=release, dataset_version=make_version(learner), device="devboard")
    assert run.parent["file_name"] == original.name
    assert (run.families, run.image_px) == (["mobilenet_v2"], 224)


@needs_weights
@pytest.mark.django_db
def test_weights_that_are_put_here_later_come_with_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    load_preset(preset("mobilenet-v2-1"), house())
    monkeypatch.setenv(FOLDER_VARIABLE, str(PRETRAINED))
    call_command("load_presets", "--once", verbosity=0)
    listing = Listing.objects.get(name="mobilenet-v2-1")
    assert listing.releases.count() == 2
    assert listing.latest is not None
    assert listing.latest.card["published"]["weights"]


@needs_weights
@pytest.mark.django_db
def test_weights_stay_when_their_file_no_longer_lies_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(PRETRAINED))
    load_preset(preset("mobilenet-v2-1"), house())
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    assert load_preset(preset("mobilenet-v2-1"), house()) == SAME
    assert Release.objects.get().card["published"]["weights"]


@needs_weights
@pytest.mark.django_db
def test_a_file_with_a_published_name_and_other_bytes_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = (PRETRAINED / "tf2_mobilenet_v2_1.0_224_ptq.tflite").read_bytes()
    (tmp_path / "tf2_mobilenet_v2_1.0_224_ptq.tflite").write_bytes(whole + b"\0")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(CommandError, match="is not the file that was published"):
        load()
    assert not Listing.objects.filter(name="mobilenet-v2-1").exists()
    assert Listing.objects.filter(name="mobilenet-v2-0-5").exists()


@pytest.mark.django_db
def test_a_network_without_weights_is_trained_from_scratch() -> None:
    load_preset(preset("mobilenet-v1-0-25"), house())
    learner = make_user()
    run = order_retraining(
        owner=learner, release=Release.objects.get(), dataset_version=make_version(learner), device="devboard"
    )
    assert run.parent["storage_key"] == ""
    assert "from scratch" in run.trials.get().proposal["reason"]


@pytest.mark.django_db
def test_nobody_signs_up_or_in_as_the_house() -> None:
    with pytest.raises(Exception, match="choose another name"):
        is_free_to_take(HOUSE)
    load_preset(preset("squeezenet-1-1"), house())
    assert not User.objects.get(username=HOUSE).has_usable_password()


@pytest.mark.django_db
def test_people_find_the_kind_they_look_for(client: ReadingClient) -> None:
    load_preset(preset("squeezenet-1-1"), house())
    make_release(make_user("reef"), "corals")
    for kind, found, missing in (("preset", "squeezenet-1-1", "reef/corals"), ("trained", "reef/corals", "squeezenet")):
        page = client.get(f"/?kind={kind}").content.decode()
        assert found in page
        assert missing not in page
        assert [each["atoll"]["kind"] for each in client.get(f"/api/models?kind={kind}").json()] == [kind]


@pytest.mark.parametrize(
    ("family", "name", "title"),
    [
        ("efficientnet_edgetpu", "efficientnet-edgetpu-s", "EfficientNet-EdgeTPU S"),
        ("efficientnet_lite", "efficientnet-lite0", "EfficientNet-lite0"),
        ("efficientnet_lite", "efficientnet-lite1", "EfficientNet-lite1"),
        ("mobilenet_v2", "mobilenet-v2-0.35", "MobileNet v2 0.35"),
        ("mobilenet_v1", "mobilenet-v1-1", "MobileNet v1 1.0"),
        ("mobilenet_v3", "mobilenet-v3-small-minimalistic", "MobileNet v3, minimalistic small"),
        ("inception_v1", "inception-v1", "Inception v1"),
        ("resnet", "resnet-50", "ResNet v1 50"),
        ("squeezenet", "squeezenet-1.1", "SqueezeNet 1.1"),
    ],
)
def test_a_network_is_called_what_people_call_it(family: str, name: str, title: str) -> None:
    assert title_of(FAMILIES[family], name) == title
