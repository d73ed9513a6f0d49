"""Training a published model further: a run whose first network is the model's own, with its weights and a new head."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgetpu.latency import estimate
from edgetpu.memory import memory_map
from marketplace.accounts.models import User
from marketplace.catalog.models import Release, ReleaseFile
from marketplace.catalog.queries import listing_for, release_for
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput
from marketplace.runs.models import Run
from marketplace.runs.parents import Parent
from marketplace.runs.services import order_run
from models.architecture import Architecture
from models.errors import ArchitectureInvalid
from models.families import FAMILIES
from search.usual import searchable_families

CHECKPOINT = "checkpoint.keras"
NO_WEIGHTS = "This release has no trained weights that Atoll can train further: its files are for running only."
DEFAULT_ONCHIP_BYTES = int(7.7 * 2**20)
STEP_MS = 0.1


@dataclass(frozen=True, slots=True)
class Need:
    """What a parent's network needs on a device, by estimate."""

    ms: float
    low_ms: float
    high_ms: float
    streamed_bytes: int


def parent_in(release: Release) -> Parent:
    """Return a release as the parent of a run.

    Raises:
        BadInput: if it holds no network that can be trained further.
    """
    network, file = network_of(release), weights_of(release)
    if network is None or (file is None and release.kind != Release.Kind.PRESET):
        raise BadInput(NO_WEIGHTS, field="parent")
    return Parent(
        release_id=release.pk,
        model=str(release.listing),
        release=release.number,
        revision=release.revision,
        licence=release.listing.licence,
        file_name=file.name if file else "",
        storage_key=file.storage_key if file else "",
        architecture=network.to_json(),
    )


def can_be_retrained(release: Release) -> bool:
    """Say whether `parent_in` would find a network."""
    possible = weights_of(release) is not None or release.kind == Release.Kind.PRESET
    return possible and network_of(release) is not None


def family_to_search(release: Release) -> str:
    """Return the family that a preset invites to search in; empty where it has no space of its own."""
    network = network_of(release) if release.kind == Release.Kind.PRESET else None
    return network.family if network is not None and network.family in searchable_families() else ""


def network_of(release: Release) -> Architecture | None:
    """Return the architecture that a release's card tells of, None if there is none of a family known here."""
    try:
        network = Architecture.from_json(release.card.get("architecture") or {})
    except ArchitectureInvalid:
        return None
    return network if network.family in FAMILIES else None


def weights_of(release: Release) -> ReleaseFile | None:
    """Return the file to begin with: a run's checkpoint, or the published file of a preset, which may have none."""
    files = {file.name: file for file in release.files.all()}
    if release.kind == Release.Kind.PRESET:
        return next((file for name, file in files.items() if name.endswith(".tflite")), None)
    return files.get(CHECKPOINT)


def need_of(network: Architecture, classes: int, device: str) -> Need:
    """Return what a network needs with another number of classes."""
    graph = network.graph(classes)
    latency = estimate(graph, device)
    return Need(latency.ms, latency.low_ms, latency.high_ms, memory_map(graph).streamed_bytes)


def release_named(user: User, name: str) -> Release:
    """Return a release by "owner/name", "owner/name@v2" or "owner/name@<revision>", if this person may see it.

    Raises:
        BadInput: if the name has no owner.
        ModelNotFound, RevisionNotFound: if there is none, or it is somebody else's private one.
    """
    model, _, revision = name.partition("@")
    owner, slash, listing = model.partition("/")
    if not slash:
        raise BadInput("Name the model as owner/name, or a release of it as owner/name@v2.", field="parent")
    return release_for(listing_for(user, owner, listing), revision)


def order_retraining(
    *,
    owner: User,
    release: Release,
    dataset_version: DatasetVersion,
    device: str,
    trials: int = 1,
    latency_limit_ms: float | None = None,
    onchip_limit_bytes: int = DEFAULT_ONCHIP_BYTES,
    seed: int | None = None,
) -> Run:
    """Order a run that trains a release further on other pictures; without a limit, what its network needs is allowed.

    Raises:
        BadInput, NotFound, Conflict: as `order_run`; BadInput also if the release cannot be trained further.
    """
    parent = parent_in(release)
    if latency_limit_ms is None:
        need = need_of(parent.network, len(dataset_version.classes), device)
        latency_limit_ms = math.ceil(need.high_ms / STEP_MS) * STEP_MS
    return order_run(
        owner=owner,
        dataset_version=dataset_version,
        latency_limit_ms=round(latency_limit_ms, 3),
        device=device,
        onchip_limit_bytes=onchip_limit_bytes,
        trials=trials,
        image_px=parent.network.image_px,
        seed=seed,
        parent=parent,
    )
