"""Atoll from Python: `atoll.search` is the site's search, on this machine, without the site."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edgetpu.inspection import find_device
from models.backbones import BACKBONES, fetch_backbone, find_backbone
from search.errors import SpecInvalid
from search.feasible import check_spec
from search.problem import Goal
from search.spec import DEFAULT_ONCHIP_BYTES, SearchSpec, longest_trial_minutes
from search.usual import families_for, suitable_px
from workers.local import Found, LocalSearch, OnChange
from workers.local_pictures import check_pictures

USUAL_TRIALS, MOST_TRIALS_IN_TIME = 8, 500
"""Where minutes bound a search, trials do not: so many never end in a day's minutes."""
SCRATCH, AUTO = "scratch", "auto"


def search(
    pictures: str | Path,
    *,
    latency_ms: float,
    device: str = "devboard",
    out: str | Path | None = None,
    start: str = AUTO,
    families: Sequence[str] = (),
    front: bool = False,
    image_px: int | None = None,
    trials: int | None = None,
    minutes: float | None = None,
    min_gain: float | None = None,
    onchip_bytes: int = DEFAULT_ONCHIP_BYTES,
    file_bytes: int | None = None,
    seed: int = 0,
    processes: int | None = None,
    finish: bool = False,
    on_change: OnChange | None = None,
) -> Found:
    """Return the most accurate network that holds the limits; a second call with the same `out` goes on.

    Args:
        pictures: a ZIP of class folders, or a folder of them.
        latency_ms: the most that one inference may take, by estimate.
        device: for example `devboard`, `usb3`, `m2`.
        out: the folder of the search; by default the name of the pictures with `-search` behind it, here.
        start: `auto` cuts networks out of published weights where they are on this machine (ATOLL_PRETRAINED_DIR, or
            downloaded before); `scratch` trains them from nothing; the name of published weights fetches those.
        families: the spaces that are searched from scratch, by default the usual one; published weights have their own.
        front: look for the best network at every latency up to the limit, not only for the best of all.
        image_px: side of the pictures as the network sees them at most; by default what suits the pictures.
        trials: how many networks are tried; 8 where neither trials nor minutes are given.
        minutes: the search ends about then, with the longer training of what was chosen; the files are made after it.
        min_gain: no further trial begins when less than this gain in accuracy (0 to 1) is expected of it.
        onchip_bytes: the most that parameters may take on the chip.
        file_bytes: the most that the int8 file may have, by estimate; any size by default.
        seed: equal seeds give equal searches where one process trains.
        processes: trainings at the same time; by default one for each core.
        finish: try nothing more, and make the files of the best that an earlier call with this `out` found.
        on_change: told whenever something changes; by default a progress bar is shown.

    Raises:
        BadInput: if the pictures cannot be used.
        BackboneMissing: if the published weights are neither here nor to be had.
        LimitImpossible: if no network holds the limits; the sentence names the nearest possible value.
        SearchError: if no trial ended well.
    """
    from workers.local_view import View

    source, count = Path(pictures), processes or len(os.sched_getaffinity(0))
    out_dir = Path(out) if out else Path(f"{source.stem}-search")
    backbone = _backbone(start)
    with View(on_change) as view:
        checked = check_pictures(source, out_dir / "pictures", view.checking)
        spec = SearchSpec(
            classes=len(checked.classes),
            image_px=image_px or suitable_px([checked.typical_px], pretrained=bool(backbone)),
            latency_limit_ms=latency_ms,
            device=find_device(device).key,
            onchip_limit_bytes=onchip_bytes,
            file_limit_bytes=file_bytes,
            trials=trials or (USUAL_TRIALS if minutes is None else MOST_TRIALS_IN_TIME),
            trial_minutes=minutes and longest_trial_minutes(minutes, count),
            seed=seed,
            training_pictures=checked.training_pictures,
            families=_families(families, backbone),
            backbone=backbone,
            objective=Goal.FRONT if front else Goal.TARGET,
            minutes=minutes,
            min_gain=min_gain,
        )
        check_spec(spec)
        parent = fetch_backbone(backbone) if backbone else None
        found = LocalSearch(spec, checked, out_dir, count, parent=parent, on_change=view.changed, goes_on=not finish)
        return found.run()


def _families(wanted: Sequence[str], backbone: str) -> tuple[str, ...]:
    """Return the families to search; those of published weights are not open to choice."""
    own = families_for(backbone)
    if backbone and wanted and list(wanted) != own:
        raise SpecInvalid(
            f"These weights are for networks of {own[0]} alone. Leave families out, or start from scratch."
        )
    return tuple(wanted) or tuple(own)


def _backbone(start: str) -> str:
    """Return the name of the published weights to begin with; empty for none."""
    if start == SCRATCH:
        return ""
    if start == AUTO:
        first = next(iter(BACKBONES))
        return first if find_backbone(first) else ""
    if start not in BACKBONES:
        raise SpecInvalid(f"A search cannot start from {start!r}: say auto, scratch, or one of {', '.join(BACKBONES)}.")
    return start
