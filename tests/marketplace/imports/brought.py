"""Models brought along, as a worker leaves them."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from marketplace.accounts.models import User
from marketplace.imports import services
from marketplace.imports.models import Import
from marketplace.storage import StoredFile, store
from tests.factories import figures, make_version

HEAD, REASON = "30 of 31 operations run on the Edge TPU; these do not:", "it has no 8-bit form."
SENTENCE = f"{HEAD} “odd” (ELU): {REASON}"
NOTE = "Its own first layer says how it reads pixels: pixel / 127.5 − 1, so −1 to 1."


def upload(name: str = "net.keras", content: bytes = b"a network") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def waiting_import(owner: User, name: str = "mine", **values: Any) -> Import:
    return services.bring_model(owner=owner, name=name, upload=upload(content=f"{owner} {name}".encode()), **values)


def found(kind: str = "float", **values: Any) -> dict[str, Any]:
    facts = figures()
    devices = [{"title": "Coral Dev Board (PCIe)", "ms": 1.84, "low_ms": 1.62, "high_ms": 2.09}]
    estimate = facts["estimate"] | {
        "macs": 1_234_567,
        "parameters": 4321,
        "devices": devices,
        "head": HEAD,
        "sentence": SENTENCE,
    }
    estimate["causes"] = [{"name": "odd", "kind": "ELU", "reason": REASON}]
    return {
        "kind": kind,
        "format": "keras",
        "preprocessing": "pixel / 127.5 − 1, so −1 to 1",
        "notes": [NOTE],
        "labels": ["brain coral", "fan coral", "star coral"],
        **{name: facts[name] for name in ("quantization", "compilation", "validation")},
        "estimate": estimate,
        **values,
    }


def kept(name: str, owner: User) -> StoredFile:
    return store(io.BytesIO(f"{name} of {owner}".encode()), services.FOLDER)


def ready_import(owner: User, name: str = "mine", **values: Any) -> Import:
    brought = waiting_import(owner, name, dataset_version=make_version(owner))
    names = ("model_int8.tflite", "model_uint8.tflite", "labels.txt")
    original = StoredFile(brought.file_key, brought.file_sha256, brought.file_bytes)
    files = {"original.keras": original, **{file: kept(f"{name} {file}", owner) for file in names}}
    services.accept_import(brought, found(**values), files)
    return brought


def only_looked_at(owner: User, name: str = "looked") -> Import:
    brought = waiting_import(owner, name)
    original = StoredFile(brought.file_key, brought.file_sha256, brought.file_bytes)
    services.accept_import(brought, found(validation={}), {"original.keras": original})
    return brought
