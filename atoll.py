"""Atoll from Python: `atoll.search` is the site's search, on this machine, without the site."""

from __future__ import annotations

import os
from pathlib import Path

from edgetpu.inspection import find_device
from search.space import check_spec
from search.spec import DEFAULT_ONCHIP_BYTES, SearchSpec
from workers.local import Found, LocalSearch, OnChange
from workers.local_pictures import Pictures, check_pictures

SIDES_PX = (32, 48, 64, 96, 128, 160, 192, 224)
LARGEST_UNASKED_PX = 128
"""Larger pictures are worth their training time only where somebody asks for them."""
MOST_TRIALS_IN_TIME = 500
"""Where minutes bound a search, trials do not: so many never end in a day's minutes."""


def search(
    pictures: str | Path,
    *,
    latency_ms: float,
    device: str = "devboard",
    out: str | Path | None = None,
    image_px: int | None = None,
    trials: int | None = None,
    minutes: float | None = None,
    onchip_bytes: int = DEFAULT_ONCHIP_BYTES,
    seed: int = 0,
    processes: int | None = None,
    on_change: OnChange | None = None,
) -> Found:
    """Return the most accurate network that holds the limits; a second call with the same `out` goes on.

    Args:
        pictures: a ZIP of class folders, or a folder of them.
        latency_ms: the most that one inference may take, by estimate.
        device: for example `devboard`, `usb3`, `m2`.
        out: the folder of the search; by default the name of the pictures with `-search` behind it, here.
        image_px: side of the pictures as the network sees them at most; by default what suits the pictures.
        trials: how many networks are tried; 8 where neither trials nor minutes are given.
        minutes: after so long no further trial begins.
        onchip_bytes: the most that parameters may take.
        seed: equal seeds give equal searches where one process trains.
        processes: trainings at the same time; by default one for each core.
        on_change: told whenever something changes; by default a progress bar is shown.

    Raises:
        BadInput: if the pictures cannot be used.
        LimitImpossible: if no network holds the limits; the sentence names the nearest possible value.
        SearchError: if no trial ended well.
    """
    from workers.local_view import View

    source = Path(pictures)
    out_dir = Path(out) if out else Path(f"{source.stem}-search")
    with View(on_change) as view:
        checked = check_pictures(source, out_dir / "pictures", view.checking)
        spec = SearchSpec(
            classes=len(checked.classes),
            image_px=image_px or suitable_px(checked),
            latency_limit_ms=latency_ms,
            device=find_device(device).key,
            onchip_limit_bytes=onchip_bytes,
            trials=trials or (8 if minutes is None else MOST_TRIALS_IN_TIME),
            seed=seed,
            training_pictures=checked.training_pictures,
        )
        check_spec(spec)
        count = processes or len(os.sched_getaffinity(0))
        return LocalSearch(spec, checked, out_dir, count, minutes, on_change=view.changed).run()


def suitable_px(pictures: Pictures) -> int:
    """Return the side that suits pictures: the next size up from the middle one's shorter side, within reason."""
    return next((side for side in SIDES_PX if side >= min(pictures.typical_px, LARGEST_UNASKED_PX)), SIDES_PX[-1])
