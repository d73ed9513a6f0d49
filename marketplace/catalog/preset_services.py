"""Filling the marketplace with published networks; doing it twice changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

from django.db import transaction

from edgetpu.graph import Graph
from edgetpu.tflite import read_graph
from marketplace.accounts.models import User
from marketplace.accounts.names import HOUSE
from marketplace.catalog import cards
from marketplace.catalog.models import Listing, Release, ReleaseFile
from marketplace.catalog.preset_cards import IMAGENET_CLASSES, card_of_preset
from marketplace.catalog.presets import Preset
from marketplace.catalog.releasing import FOLDER, KeptFile, Words, add_release, revision_of
from marketplace.errors import BadInput
from marketplace.storage import store, store_path

ARCHITECTURE_NAME, LABELS_NAME = "architecture.json", "labels.txt"
NEW, CHANGED, SAME = "new", "changed", "same"


def house() -> User:
    """Return the account that owns the published networks; nobody can sign in to it."""
    user, fresh = User.objects.get_or_create(username=HOUSE)
    if fresh:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


@transaction.atomic
def load_preset(preset: Preset, owner: User) -> str:
    """Publish a network, or its next release where a figure or a file has changed; return NEW, CHANGED or SAME.

    Raises:
        BadInput: if the file of its weights is not the one that was published.
    """
    listing = Listing.objects.filter(owner=owner, name=preset.name).select_related("latest").first()
    if preset.weights is None and listing and listing.latest and _weights_in(listing.latest):
        return SAME  # its weights are kept, though their file no longer lies here
    files, graph, labels = _files_of(preset), graph_of_preset(preset), _labels_of(preset)
    words = Words(preset.name, preset.title, preset.summary, _licence_of(preset))
    card = card_of_preset(
        preset, model=f"{owner.username}/{preset.name}", licence=words.licence, labels=labels, files=files, graph=graph
    )
    digest = hashlib.sha256(cards.as_bytes(card)).hexdigest()
    revision = revision_of([*((file.name, file.sha256) for file in files), (cards.CARD_NAME, digest)])
    if listing and listing.releases.filter(revision=revision).exists():
        Listing.objects.filter(pk=listing.pk).update(title=words.title, summary=words.summary)
        return SAME
    add_release(owner=owner, words=words, kind=Release.Kind.PRESET, files=files, card_for=lambda _: card)
    return CHANGED if listing else NEW


def graph_of_preset(preset: Preset) -> Graph:
    """Return what a preset's figures are estimated from: its file, or its architecture for ImageNet's classes."""
    return read_graph(preset.weights.path) if preset.weights else preset.network.graph(IMAGENET_CLASSES)


def _weights_in(release: Release) -> bool:
    return any(name.endswith(".tflite") for name in release.files.values_list("name", flat=True))


def _files_of(preset: Preset) -> list[KeptFile]:
    architecture = json.dumps(preset.network.to_json(), indent=2, sort_keys=True) + "\n"
    files: list[KeptFile] = [_kept(ARCHITECTURE_NAME, store(io.BytesIO(architecture.encode()), FOLDER))]
    if preset.weights is None:
        return files
    _require_published(preset.weights.path, preset.weights.backbone.sha256)
    files.append(_kept(preset.weights.path.name, store_path(preset.weights.path, FOLDER)))
    if preset.weights.labels is not None:
        files.append(_kept(LABELS_NAME, store_path(preset.weights.labels, FOLDER)))
    return files


def _require_published(path: Path, sha256: str) -> None:
    """Refuse a file that has the name of a published one and other bytes."""
    if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise BadInput(f"{path} is not the file that was published: its SHA-256 differs. Fetch it again.")


def _kept(name: str, stored: Any) -> ReleaseFile:
    return ReleaseFile(name=name, sha256=stored.sha256, byte_count=stored.byte_count, storage_key=stored.key)


def _labels_of(preset: Preset) -> list[str]:
    path = preset.weights.labels if preset.weights else None
    return path.read_text("utf-8", "replace").splitlines() if path else []


def _licence_of(preset: Preset) -> str:
    return preset.weights.backbone.licence.lower() if preset.weights else "apache-2.0"
