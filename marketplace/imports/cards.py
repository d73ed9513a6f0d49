"""What a release of an imported model says of itself, in the words of every other card. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketplace.catalog import cards
from marketplace.catalog.licences import DEFAULT_LICENCE, LICENCES
from marketplace.catalog.values import items, number, part, text, whole
from marketplace.imports.models import Import, ImportFile

FORMS = ("int8", "uint8")


def card_of(
    brought: Import, *, model: str, licence: str = DEFAULT_LICENCE, files: Sequence[ImportFile] = ()
) -> dict[str, Any]:
    """Return the card of an import that is ready.

    Args:
        brought: the import.
        model: "owner/name".
        licence: a key of LICENCES.
        files: those of the release, without the card itself.
    """
    return {
        "schema": cards.SCHEMA,
        "model": model,
        "task": "image-classification" if brought.labels else "other",
        "licence": {"id": licence, "title": LICENCES.get(licence, licence)},
        "device": brought.device,
        "accuracy": cards.accuracy_of(brought.validation),
        "latency": cards.latency_of(brought.estimate),
        "input": _input(brought),
        "output": {form: _tensor(brought, form, "output") for form in FORMS},
        "quantization": cards.quantization_of(brought.quantization),
        "memory": cards.memory_of(brought.estimate) | ({"origin": "compiled"} if brought.kind == "compiled" else {}),
        "ops": cards.ops_of(brought.estimate),
        "compiler": cards.compiler_of(brought.compilation),
        "labels": list(brought.labels),
        "dataset": _dataset(brought),
        "architecture": {},
        "imported": _origin(brought),
        "files": sorted(
            ({"name": file.name, "bytes": file.byte_count, "sha256": file.sha256} for file in files),
            key=lambda file: str(file["name"]),
        ),
    }


def _origin(brought: Import) -> dict[str, Any]:
    return {
        "kind": brought.kind,
        "format": brought.format,
        "file": brought.file_name,
        "sha256": brought.file_sha256,
        "notes": list(brought.notes),
        "devices": items(brought.estimate, "devices"),
    }


def _dataset(brought: Import) -> dict[str, Any]:
    facts = brought.dataset_facts if brought.used_dataset else {}
    return {key: facts.get(key) for key in ("name", "version", "content_sha256")}


def _input(brought: Import) -> dict[str, Any]:
    forms = {form: _tensor(brought, form, "input") for form in FORMS}
    shape = forms["int8"]["shape"] or forms["uint8"]["shape"]
    picture = len(shape) == 4
    return {
        "height_px": shape[1] if picture else None,
        "width_px": shape[2] if picture else None,
        "colour_order": "grey" if picture and shape[3] == 1 else cards.COLOUR_ORDER,
        "resize": text(brought.dataset_facts, "resize_rule"),
        "preprocessing": brought.preprocessing or "as its author trained it",
        **forms,
    }


def _tensor(brought: Import, form: str, side: str) -> dict[str, Any]:
    found = part(part(brought.quantization, form), side)
    return {
        "dtype": text(found, "dtype"),
        "scale": number(found, "scale"),
        "zero_point": whole(found, "zero_point"),
        "shape": [length for length in items(found, "shape") if isinstance(length, int)],
        "feed": text(found, "feed"),
    }
