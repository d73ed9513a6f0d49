"""People, datasets, finished runs and releases for tests, with real stored files of a few bytes."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from marketplace.accounts.models import Token, User
from marketplace.accounts.tokens import make_token
from marketplace.catalog.models import Release
from marketplace.catalog.releasing import Words
from marketplace.catalog.services import publish_release
from marketplace.datasets.models import Dataset, DatasetVersion
from marketplace.runs.models import Artifact, Run, Trial
from marketplace.storage import store

PASSWORD = "quiet-lagoon-42"
CLASSES = ["brain coral", "fan coral", "star coral"]
_numbers = itertools.count(1)


@cache
def _password_hash() -> str:
    return make_password(PASSWORD)  # once: it is slow on purpose


def make_user(username: str = "", **fields: Any) -> User:
    """Return a person who can sign in with PASSWORD."""
    return User.objects.create(username=username or f"person-{next(_numbers)}", password=_password_hash(), **fields)


def make_secret(user: User, *scopes: str, days: int | None = None) -> tuple[Token, str]:
    """Return a token and its secret; without scopes it has every right."""
    rights = list(scopes) or ["read", "datasets:write", "runs:write", "models:publish"]
    return make_token(user=user, name="for a test", scopes=rights, days=days)


def bearer(secret: str) -> dict[str, str]:
    """Return the headers of a program that comes with a token."""
    return {"Authorization": f"Bearer {secret}"}


def make_version(owner: User, name: str = "", classes: list[str] | None = None, **fields: Any) -> DatasetVersion:
    """Return a dataset version that is ready."""
    dataset = Dataset.objects.create(owner=owner, name=name or f"pictures-{next(_numbers)}")
    values = {
        "number": 1,
        "status": DatasetVersion.Status.READY,
        "archive_name": "pictures.zip",
        "archive_sha256": "a" * 64,
        "archive_bytes": 12_345,
        "content_sha256": hashlib.sha256(dataset.name.encode()).hexdigest(),
        "classes": CLASSES if classes is None else classes,
        "statistics": {
            "pictures": 90,
            "splits": {"train": 60, "validation": 15, "test": 15},
            "resize_rule": "The whole picture is squeezed to a square.",
        },
        "checked_at": timezone.now(),
    }
    return DatasetVersion.objects.create(dataset=dataset, **{**values, **fields})


def figures(classes: list[str] | None = None) -> dict[str, Any]:
    """Return the JSON columns of a run that has everything but an Edge TPU."""
    names = CLASSES if classes is None else classes
    tensor = {"dtype": "int8", "scale": 1 / 128, "zero_point": -1, "shape": [1, 64, 64, 3]}
    output = {"dtype": "int8", "scale": 1 / 256, "zero_point": -128, "shape": [1, len(names)]}
    layers = [
        {"name": "stem", "kind": "CONV_2D", "parameter_bytes": 944, "placement": "cached", "ms": 0.02},
        {"name": "block1", "kind": "CONV_2D", "parameter_bytes": 401_408, "placement": "cached", "ms": 0.3},
        {"name": "head", "kind": "FULLY_CONNECTED", "parameter_bytes": 102_400, "placement": "streamed", "ms": 0.4},
    ]
    return {
        "estimate": {
            "origin": "estimated",
            "device": "devboard",
            "device_title": "Coral Dev Board (PCIe)",
            "latency_ms": 1.84,
            "low_ms": 1.62,
            "high_ms": 2.09,
            "limited_by": "compute",
            "ops": 31,
            "ops_mapped": 30,
            "ops_on_cpu": [{"kind": "SOFTMAX", "name": "softmax", "reason": "its axis is too long"}],
            "parameter_bytes": 504_752,
            "cached_bytes": 402_352,
            "streamed_bytes": 102_400,
            "remaining_bytes": 7_200_000,
            "layers": layers,
        },
        "quantization": {
            "method": "post-training",
            "calibration_count": 60,
            "calibration_sha256": "c" * 64,
            "calibration_seed": 0,
            "way": "corrected",
            "reason": "The closest to float of 2 ways tried: 0.4 points below float on the validation pictures.",
            "validation_float_accuracy": 0.94,
            "tried": [
                {
                    "way": "plain",
                    "method": "post-training, full int8",
                    "validation_accuracy": 0.92,
                    "agreement": 0.97,
                    "distance": 0.012,
                },
                {
                    "way": "corrected",
                    "method": "weights corrected",
                    "validation_accuracy": 0.936,
                    "agreement": 0.98,
                    "distance": 0.004,
                },
            ],
            "worst_layers": [
                {
                    "name": "block1_depthwise",
                    "kind": "DEPTHWISE_CONV_2D",
                    "signal_to_noise_db": 21.6,
                    "error_share": 0.083,
                }
            ],
            "int8": {"input": tensor, "output": output},
            "uint8": {
                "input": {**tensor, "dtype": "uint8", "zero_point": 127},
                "output": {**output, "dtype": "uint8", "zero_point": 0},
            },
        },
        "compilation": {
            "state": "not_compiled",
            "sentence": "Not compiled: no worker has edgetpu_compiler.",
            "compiler_version": "",
            "report": {},
        },
        "validation": {
            "split": "test",
            "pictures": 15,
            "float_accuracy": 0.9333,
            "int8_accuracy": 0.8667,
            "uint8_accuracy": 0.8667,
            "balanced_int8_accuracy": 0.8611,
            "agreement": 0.9333,
            "interval": [0.6212, 0.9626],
            "class_changes": [{"name": name, "before": 0.9, "after": 0.8} for name in names[:1]],
            "per_class": [
                {"name": name, "recall": 0.8 + position / 20, "precision": 0.9, "pictures": 5}
                for position, name in enumerate(names)
            ],
            "confusion": [[4 if row == column else 1 for column in range(len(names))] for row in range(len(names))],
        },
        "measurement": {"state": "not_measured", "sentence": "Not measured: no worker has an Edge TPU."},
    }


MEASURED = {
    "state": "measured",
    "sentence": "Measured on an attached Edge TPU.",
    "device": "Coral USB Accelerator",
    "link": "usb3",
    "clock": "max",
    "runs": 200,
    "p50_ms": 2.31,
    "p95_ms": 2.6,
    "mean_ms": 2.35,
    "sd_ms": 0.11,
    "runtime": "14",
}

ARCHITECTURE = {
    "family": "efficientnet_edgetpu",
    "image_px": 64,
    "stem_filters": 16,
    "stem_stride": 2,
    "head_filters": 128,
    "blocks": [{"kind": "fused", "kernel": 3, "stride": 2, "expanded": 64, "filters": 24, "skip": False}],
    "choices": {},
}


def stored_artifacts(run: Run, labels: list[str], files: dict[str, bytes] | None = None) -> list[Artifact]:
    """Keep files of a run; the bytes of the networks are made up, and differ from run to run."""
    made_up = f"a network of run {run.pk}\n".encode() * 40
    contents = {
        "model_int8.tflite": b"int8 " + made_up,
        "model_uint8.tflite": b"uint8 " + made_up,
        "checkpoint.keras": b"keras " + made_up,
        "labels.txt": "".join(f"{label}\n" for label in labels).encode(),
        "architecture.json": json.dumps(ARCHITECTURE).encode(),
    }
    rows = []
    for name, content in (contents if files is None else files).items():
        kept = store(io.BytesIO(content), "artifacts")
        rows.append(
            Artifact.objects.create(
                run=run, name=name, sha256=kept.sha256, byte_count=kept.byte_count, storage_key=kept.key
            )
        )
    return rows


def make_run(
    owner: User, version: DatasetVersion | None = None, files: dict[str, bytes] | None = None, **fields: Any
) -> Run:
    """Return a run that is done, with its files; any column can be given."""
    dataset_version = version or make_version(owner)
    values = {
        "status": Run.Status.DONE,
        "latency_limit_ms": 3.0,
        "device": "devboard",
        "onchip_limit_bytes": 8 * 2**20,
        "image_px": 64,
        "trials_wanted": 4,
        "started_at": timezone.now(),
        "ended_at": timezone.now(),
        **figures(dataset_version.classes),
    }
    run = Run.objects.create(owner=owner, dataset_version=dataset_version, **{**values, **fields})
    trial = Trial.objects.create(
        run=run,
        number=1,
        status=Trial.Status.DONE,
        architecture=ARCHITECTURE,
        architecture_key="0123456789abcdef",
        estimate={"latency_ms": 1.84, "low_ms": 1.62, "high_ms": 2.09, "bytes": 504_752},
        validation_accuracy=0.88,
        float_accuracy=0.9,
        seconds=12.5,
    )
    run.best_trial = trial
    run.save(update_fields=["best_trial"])
    stored_artifacts(run, dataset_version.classes, files)
    return run


def make_release(owner: User, name: str = "", run: Run | None = None, **words: Any) -> Release:
    """Return a release; the first of its listing, or the next if there is one of this name."""
    said = Words(name or f"model-{next(_numbers)}", **words)
    return publish_release(owner=owner, run=run or make_run(owner), words=said)
