"""What a search without the site keeps in its folder, in place of the database's rows.

OUT/pictures/     the checked pictures and their arrays
OUT/order.json    what was asked, so that a second call cannot mean something else
OUT/trials/001/   trial.json (all that is known of it), the state of its training, its checkpoint
OUT/training/     the longer training of what was chosen
OUT/best/         the files of the best network, result.json
OUT/front/007/    the same of further networks, where the best for every latency are looked for
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from search.errors import SearchError, SpecInvalid
from search.spec import SearchSpec
from search.trial import TrialRecord
from workers.written import write_whole

TRIAL_FILE, RESULT_FILE, ORDER_FILE = "trial.json", "result.json", "order.json"
CHECKPOINT_FILE = "checkpoint.keras"
_BUDGET = ("trials", "minutes", "trial_minutes", "min_gain")
"""What may be asked anew of a search that was begun."""


def claim(out_dir: Path, spec: SearchSpec, content_sha256: str) -> None:
    """Write down what is asked of the search in a folder.

    Raises:
        SearchError: if the folder belongs to another search.
    """
    order = {"spec": spec.to_json(), "pictures": content_sha256}
    path = out_dir / ORDER_FILE
    if path.exists() and not _same_search(json.loads(path.read_text()), order):
        raise SearchError(f"{out_dir} holds another search. Name another folder, or remove this one.")
    write_whole(path, json.dumps(order, indent=1))


def backbone_in(out_dir: Path) -> str | None:
    """Return the published weights that the search of a folder begins with, empty for none; None without a search."""
    path = out_dir / ORDER_FILE
    return str(json.loads(path.read_text())["spec"].get("backbone", "")) if path.exists() else None


def trial_folder(out_dir: Path, number: int) -> Path:
    """Return where a trial keeps its files."""
    return out_dir / "trials" / f"{number:03d}"


def start_of(out_dir: Path, record: TrialRecord, parent: Path | None) -> dict[str, Any]:
    """Return, for a job, the file whose network a trial begins with, and the one that teaches it, where there are any.

    It begins with another trial's, or with the search's own.
    """
    start: dict[str, Any] = {} if parent is None else {"parent": str(parent)}
    if record.parent is not None:
        start = {"parent": str(trial_folder(out_dir, record.parent) / CHECKPOINT_FILE), "knows_pictures": True}
    if record.teacher is not None:
        start["teacher"] = str(trial_folder(out_dir, record.teacher) / CHECKPOINT_FILE)
    return start


class KeptTrial(NamedTuple):
    """A trial as it was last written down."""

    record: TrialRecord
    reason: str
    """Why it was chosen."""
    passed_s: float
    """What the search had taken by then, in all calls."""


def keep_trial(out_dir: Path, kept: KeptTrial) -> None:
    """Write a trial down."""
    content = {"trial": kept.record.to_json(), "reason": kept.reason, "passed_s": kept.passed_s}
    write_whole(trial_folder(out_dir, kept.record.number) / TRIAL_FILE, json.dumps(content, indent=1))


def kept_trials(out_dir: Path) -> list[KeptTrial]:
    """Return the trials that earlier calls wrote down."""
    found = [json.loads(file.read_text()) for file in sorted(out_dir.glob(f"trials/*/{TRIAL_FILE}"))]
    return [KeptTrial(TrialRecord.from_json(one["trial"]), one["reason"], one.get("passed_s", 0.0)) for one in found]


def _same_search(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether an order means the same search; more trials or minutes may be asked for later."""

    def essence(order: Mapping[str, Any]) -> dict[str, Any]:
        spec = SearchSpec.from_json(order["spec"]).to_json()  # what an older order does not say is as usual
        return {**order, "spec": {name: value for name, value in spec.items() if name not in _BUDGET}}

    try:
        return essence(asked) == essence(kept)
    except SpecInvalid:
        return False
