"""A site with something on every page: people, datasets, runs in every state, releases, notices. Nothing is trained."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from django.utils import timezone
from PIL import Image

from marketplace.accounts.models import User
from marketplace.catalog.models import Release
from marketplace.catalog.preset_services import house, load_preset
from marketplace.catalog.presets import presets
from marketplace.catalog.retraining import parent_in
from marketplace.catalog.services import subscribe
from marketplace.datasets.models import DatasetVersion
from marketplace.devices.models import WorkerNode
from marketplace.runs.models import Run, Trial
from marketplace.storage import store
from marketplace.work.models import Event, Step
from marketplace.work.services import tell
from models.architecture import Architecture
from models.families import FAMILIES
from tests.factories import MEASURED, figures, make_release, make_run, make_user, make_version

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
LONG_NAME = "a rather long class name, as folders of photographs often have them"


@dataclass
class Scene:
    """Who can sign in, and the addresses that they can open."""

    person: User
    pages: dict[str, str] = field(default_factory=dict)
    """Address by name, for the signed-in person."""
    open_pages: dict[str, str] = field(default_factory=dict)
    """Address by name, for everybody."""
    done: Run | None = None
    searching: Run | None = None
    version: DatasetVersion | None = None


def build_scene(username: str = "marina") -> Scene:
    """Fill the database."""
    person, other = make_user(username), make_user(f"{username}-reads")
    version = make_version(person, "digits", NAMES, statistics=_statistics(), sheet_key=_sheet())
    done = _done_run(person, version)
    release = make_release(person, "digits-edgetpu", done, summary="Handwritten digits on 32 × 32 pixels.")
    theirs = make_release(other, "reef-corals", private=False)
    subscribe(user=person, listing=theirs.listing)
    make_release(other, "reef-corals", make_run(other), notes="Trained on twice the pictures.")
    soon = timezone.now() + timedelta(hours=1)  # so that it stays live however long the test takes
    WorkerNode.objects.create(name="reef-1", seen_at=soon, compiler="16.0.384591198")
    searching = _searching_run(person, version)
    runs = {
        "run-done": done,
        "run-searching": searching,
        "run-queued": _bare_run(person, version, Run.Status.QUEUED),
        "run-failed": _failed_run(person, version),
        "run-cancelled": _bare_run(person, version, Run.Status.CANCELLED),
    }
    for preset in islice(presets(), 3):
        load_preset(preset, house())
    retrained = make_run(person, version, **_begun_with(theirs))
    child = make_release(person, "digits-from-corals", retrained)
    return Scene(
        person=person,
        pages={
            "runs": "/runs/",
            "order": f"/runs/new?dataset={version.pk}",
            **{name: f"/runs/{run.pk}/" for name, run in runs.items()},
            "datasets": "/datasets/",
            "upload": "/datasets/new",
            "dataset": f"/datasets/{version.pk}/",
            "models": "/",
            "listing": f"/{release.listing}",
            "child": f"/{child.listing}",
            "retrain": f"/{release.listing}/retrain",
            "preset": "/atoll/efficientnet-edgetpu-s",
            "preset-retrain": "/atoll/efficientnet-edgetpu-s/retrain",
            "run-retrained": f"/runs/{retrained.pk}/",
            "release": f"/{release.listing}/v1",
            "edit": f"/{release.listing}/edit",
            "person": f"/{username}",
            "publish": f"/publish/{done.pk}/",
            "notices": "/notices/",
            "account": "/settings/",
            "tokens": "/settings/tokens/",
            "devices": "/devices/",
            "password": "/account/password/change/",
            "e-mail": "/account/email/",
            "sign-out": "/account/logout/",
            "nothing": "/nothing-here",
        },
        open_pages={
            "sign-in": "/account/login/",
            "sign-up": "/account/signup/",
            "password-reset": "/account/password/reset/",
            "password-reset-sent": "/account/password/reset/done/",
            "password-reset-spent": "/account/password/reset/key/1-set-password/",
            "inactive": "/account/inactive/",
            "models-anonymous": "/",
            "listing-anonymous": f"/{release.listing}",
        },
        done=done,
        searching=searching,
        version=version,
    )


def _sheet() -> str:
    """Keep a contact sheet: a row of eight pictures for each class."""
    picture, content = Image.new("RGB", (8 * 64, len(NAMES) * 64)), io.BytesIO()
    for place in range(8 * len(NAMES)):
        down, across = divmod(place, 8)
        colour = (30 + 20 * across, 90 + 12 * down, 140)
        picture.paste(colour, (64 * across, 64 * down, 64 * across + 60, 64 * down + 60))
    picture.save(content, "PNG")
    content.seek(0)
    return store(content, "sheets").key


def _begun_with(release: Release) -> dict[str, Any]:
    return {"parent": parent_in(release).to_json(), "parent_release": release}


def _statistics() -> dict[str, Any]:
    side = {"min": 8, "median": 8, "max": 8}
    per_class = [{"name": name, "train": 126, "validation": 27, "test": 27} for name in NAMES]
    return {
        "pictures": 1797,
        "file_bytes": 512_000,
        "splits": {"train": 1258, "validation": 270, "test": 269},
        "per_class": per_class,
        "width_px": side,
        "height_px": side,
        "formats": {"PNG": 1797},
        "twin_groups": 3,
        "twin_pictures": 7,
        "largest_twin_group": 3,
        "left_out": 0,
        "duplicates": 0,
        "contradictory": 0,
    }


def _architectures(count: int) -> list[Architecture]:
    family = FAMILIES["efficientnet_edgetpu"]
    choices = family.choices(64)
    smallest = {name: values[0] for name, values in choices.items()}
    built = []
    for number in range(count):
        chosen = dict(smallest)
        for name, values in list(choices.items())[: 2 + number * 3]:
            chosen[name] = values[min(number % 3, len(values) - 1)]
        built.append(family.build(chosen))
    return built


def _add_trials(run: Run, accuracies: list[float], start: int = 2) -> list[Trial]:
    trials = []
    for number, (accuracy, architecture) in enumerate(
        zip(accuracies, _architectures(len(accuracies)), strict=True), start
    ):
        ms = 0.6 + 0.31 * number
        trials.append(
            Trial.objects.create(
                run=run,
                number=number,
                status=Trial.Status.DONE,
                architecture=architecture.to_json(),
                architecture_key=f"key-{number}",
                estimate={
                    "latency_ms": ms,
                    "low_ms": ms * 0.88,
                    "high_ms": ms * 1.14,
                    "parameter_bytes": 90_000 * number,
                    "cached_bytes": 90_000 * number,
                    "streamed_bytes": 0,
                    "macs": 4_000_000 * number,
                    "parameters": 80_000 * number,
                    "ops": 40,
                    "ops_on_cpu": [],
                },
                validation_accuracy=accuracy,
                float_accuracy=accuracy + 0.004,
                metrics={"epochs": 24},
                proposal=_proposal(number),
                seconds=41.0 + number,
                started_at=timezone.now() - timedelta(minutes=9 - number),
                ended_at=timezone.now() - timedelta(minutes=8 - number),
            )
        )
    return trials


def _prove(trials: list[Trial]) -> None:
    """Let an Edge TPU have measured all but the last, of which the compiler streams a part."""
    *measured, last = trials
    for trial in measured:
        measurement = {**MEASURED, "p50_ms": 1.06 * trial.estimate["latency_ms"]}
        Trial.objects.filter(pk=trial.pk).update(measurement=measurement)
    report = {"models": [{"cached_bytes": 7_340_032, "streamed_bytes": 12_288}]}
    Trial.objects.filter(pk=last.pk).update(compilation={"state": "compiled", "fully_mapped": True, "report": report})


def _proposal(number: int) -> dict[str, Any]:
    if number < 3:
        return {"reason": "To learn what networks of about 1.2 ms can do."}
    reason = "Expected to beat the best so far by 0.8 points: 96.1 ± 1.2 % foretold at 1.9 ms."
    return {"reason": reason, "expected_gain": 0.008, "predicted_accuracy": 0.961, "predicted_sd": 0.012}


def _done_run(person: User, version: DatasetVersion) -> Run:
    columns = figures(NAMES)
    columns["validation"]["confusion"] = [
        [25 if row == column else (2 if abs(row - column) == 3 else 0) for column in range(10)] for row in range(10)
    ]
    columns["validation"]["per_class"] = [
        {"name": name, "recall": 0.9 + place / 100, "precision": 0.99 - place / 200, "pictures": 27}
        for place, name in enumerate(NAMES)
    ]
    run = make_run(person, version, started_at=timezone.now() - timedelta(minutes=6), **columns)
    trials = _add_trials(run, [0.912, 0.954, 0.941, 0.972, 0.968])
    Trial.objects.create(
        run=run, number=7, status=Trial.Status.FAILED, error="The training ran out of memory. Choose smaller pictures."
    )
    run.best_trial = trials[3]
    run.save()
    for text in ("Ordered: 7 trials, at most 3 ms on Coral Dev Board (PCIe).", "The search has begun.", "Done."):
        tell(Event.About.RUN, run.pk, text)
    return run


def _bare_run(person: User, version: DatasetVersion, status: str, **fields: Any) -> Run:
    run = Run.objects.create(
        owner=person,
        dataset_version=version,
        status=status,
        latency_limit_ms=2.5,
        device="usb3",
        onchip_limit_bytes=int(7.7 * 2**20),
        image_px=64,
        trials_wanted=8,
        **fields,
    )
    tell(Event.About.RUN, run.pk, "Ordered: 8 trials, at most 2.5 ms on Coral USB Accelerator, USB 3, PC.")
    return run


def _searching_run(person: User, version: DatasetVersion) -> Run:
    run = _bare_run(person, version, Run.Status.SEARCHING, started_at=timezone.now() - timedelta(minutes=3))
    _prove(_add_trials(run, [0.912, 0.954, 0.941], start=1))
    for number in (4, 5):
        trial = Trial.objects.create(
            run=run,
            number=number,
            status=Trial.Status.RUNNING,
            architecture=_architectures(number)[-1].to_json(),
            architecture_key=f"key-{number}",
            estimate={"latency_ms": 1.9, "low_ms": 1.7, "high_ms": 2.2, "cached_bytes": 300_000, "streamed_bytes": 0},
            proposal=_proposal(number),
            started_at=timezone.now() - timedelta(seconds=20),
        )
        report(trial, epoch=4 + number)
    for number in (6, 7, 8):
        Trial.objects.create(run=run, number=number)
    tell(Event.About.RUN, run.pk, "The search has begun.")
    tell(Event.About.RUN, run.pk, "Trial 1: 91.2 % int8 on the validation split.")
    return run


def report(trial: Trial, epoch: int) -> None:
    """Write what a worker would report of a running trial."""
    progress = {"phase": "Training", "epoch": epoch, "epochs": 30, "validation_accuracy": 0.93, "eta_s": 33.0}
    Step.objects.update_or_create(
        kind=Step.Kind.TRIAL,
        subject=trial.pk,
        defaults={"status": Step.Status.LEASED, "progress": progress, "rank": trial.number},
    )


def _failed_run(person: User, version: DatasetVersion) -> Run:
    sentence = (
        "No trial of this run ended well, so there is no network to go on with. The reasons stand beside the trials."
    )
    run = _bare_run(person, version, Run.Status.FAILED, failure=sentence, ended_at=timezone.now())
    Trial.objects.create(run=run, number=1, status=Trial.Status.FAILED, error="The worker had no memory left.")
    tell(Event.About.RUN, run.pk, sentence)
    return run
