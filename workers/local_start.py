"""What the networks of a search on this machine begin with: published weights where they are to be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.backbones import BACKBONES, USUAL_BACKBONE, fetch_backbone, find_backbone
from models.errors import BackboneMissing
from search.errors import SpecInvalid
from search.usual import families_for
from workers.job_process import Report
from workers.local_folder import backbone_in

SCRATCH, AUTO = "scratch", "auto"


@dataclass(frozen=True, slots=True)
class Start:
    """What networks begin with."""

    backbone: str = ""
    """Name of published weights; empty for none."""
    parent: Path | None = None
    """Their file."""
    families: tuple[str, ...] = ()
    sentence: str = ""
    """For people."""


def start_for(wanted: str, families: Sequence[str], out_dir: Path, report: Report) -> Start:
    """Return what a search begins with; published weights that are not here are downloaded.

    Args:
        wanted: `auto`, `scratch` or the name of published weights. With `auto`, a search goes on as it was begun, and a
            new one begins with the usual weights, or from nothing where families of other networks are wanted or the
            weights are not to be had.
        families: the spaces that somebody named.
        out_dir: of the search, which may have been begun before.
        report: told before something is downloaded.

    Raises:
        SpecInvalid: if there are no such weights, or the families are not theirs.
        BackboneMissing: if the weights that somebody named are neither here nor to be had.
    """
    if wanted == AUTO:
        begun = backbone_in(out_dir)
        return _usual(families, report) if begun is None else _named(begun, families, report)
    if wanted not in (SCRATCH, *BACKBONES):
        known = ", ".join(BACKBONES)
        raise SpecInvalid(f"A search cannot start from {wanted!r}: say {AUTO}, {SCRATCH}, or one of {known}.")
    return _named("" if wanted == SCRATCH else wanted, families, report)


def _usual(families: Sequence[str], report: Report) -> Start:
    own = families_for(USUAL_BACKBONE)
    if families and list(families) != own:
        return _named("", families, report)
    try:
        return _named(USUAL_BACKBONE, families, report)
    except BackboneMissing as error:
        why = f"Networks learn from nothing, which takes longer and usually costs accuracy. {error}"
        return Start(families=tuple(families or families_for("")), sentence=why)


def _named(backbone: str, families: Sequence[str], report: Report) -> Start:
    own = families_for(backbone)
    if not backbone:
        return Start(families=tuple(families or own), sentence="Networks learn from nothing.")
    if families and list(families) != own:
        raise SpecInvalid(
            f"These weights are for networks of {own[0]} alone. Leave families out, or start from scratch."
        )
    if find_backbone(backbone) is None:
        report({"phase": f"Downloading the weights of {BACKBONES[backbone].title}"})
    sentence = f"Networks begin with the weights of {BACKBONES[backbone].title}."
    return Start(backbone, fetch_backbone(backbone), tuple(own), sentence)
