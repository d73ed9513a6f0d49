"""Atoll from Python: `atoll.search` is the site's search, on this machine, without the site."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edgetpu.inspection import find_device
from search.feasible import check_spec
from search.problem import Goal
from search.spec import DEFAULT_ONCHIP_BYTES, SearchSpec, longest_trial_minutes
from search.usual import suitable_px
from workers.local import Found, LocalSearch, OnChange
from workers.local_pictures import check_pictures
from workers.local_start import AUTO, start_for

USUAL_TRIALS, MOST_TRIALS_IN_TIME = 8, 500
"""Where minutes bound a search, trials do not: so many never end in a day's minutes."""


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
        start: `auto` cuts networks out of published weights, those in ATOLL_PRETRAINED_DIR or downloaded; where there
            are none it trains them from nothing, as `scratch` does, and says so. Or the name of published weights.
        families: the spaces that are searched from scratch, by default the usual one; published weights have their own.
        front: look for the best network at every latency up to the limit, not only for the best of all.
        image_px: side of the pictures as the network sees them at most; by default what suits the pictures.
        trials: how many networks are tried; 8 where neither trials nor minutes are given.
        minutes: the search ends about then, with the longer training of what was chosen, all calls with this `out`
            together; the files are made after it.
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
    with View(on_change) as view:
        checked = check_pictures(source, out_dir / "pictures", view.checking)
        view.say(checked.sentence)
        begin = start_for(start, families, out_dir, view.checking)
        view.say(begin.sentence)
        spec = SearchSpec(
            classes=len(checked.classes),
            image_px=image_px or suitable_px([checked.typical_px], pretrained=bool(begin.backbone)),
            latency_limit_ms=latency_ms,
            device=find_device(device).key,
            onchip_limit_bytes=onchip_bytes,
            file_limit_bytes=file_bytes,
            trials=trials or (USUAL_TRIALS if minutes is None else MOST_TRIALS_IN_TIME),
            trial_minutes=minutes and longest_trial_minutes(minutes, count),
            seed=seed,
            training_pictures=checked.training_pictures,
            families=begin.families,
            backbone=begin.backbone,
            objective=Goal.FRONT if front else Goal.TARGET,
            minutes=minutes,
            min_gain=min_gain,
        )
        check_spec(spec)
        found = LocalSearch(
            spec, checked, out_dir, count, parent=begin.parent, on_change=view.changed, goes_on=not finish
        )
        return found.run()
