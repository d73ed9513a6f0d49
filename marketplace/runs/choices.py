"""What the trials of a run chose, and how much each choice mattered. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from marketplace.runs.models import Trial
from models.families import FAMILIES

FEWEST_TRIALS = 5
"""With fewer, chance decides what seems to matter."""
FAMILY = "family"
NAMES = {
    "resolution": "picture size, px",
    "width": "width",
    "head": "last channels",
    FAMILY: "family",
    "learns": "layers that learn",
    "rate": "learning rate, of the usual",
}
_PARTS = re.compile(r"(?:(stage)(\d+)_)?(?:(block)(\d+)_)?(.+)")
WORDS = {"filters": "channels", "kind": "kind of block", "depth": "blocks"}

Value = int | float | str


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial that ended well, with what it chose."""

    number: int
    accuracy: float
    """int8, on the validation split, 0 to 1."""
    choices: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Importance:
    """How much of the differences in accuracy one choice explains on its own."""

    name: str
    title: str
    share: float
    """0 to 1, corrected for what chance explains."""
    best_value: str
    """The value with the highest mean accuracy."""

    @property
    def percent(self) -> int:
        """The share as a whole number, 0 to 100."""
        return round(100 * self.share)


def tried_in(trials: Sequence[Trial]) -> list[Tried]:
    """Return the trials that have both an accuracy and known choices."""
    found = []
    for trial in trials:
        chosen = choices_of(trial.architecture)
        if trial.status == Trial.Status.DONE and trial.validation_accuracy is not None and chosen:
            found.append(Tried(trial.number, trial.validation_accuracy, chosen))
    return found


def choices_of(architecture: Any) -> dict[str, Value]:
    """Return one value for each choice that led to an architecture, its family first; nothing if it has none."""
    chosen = architecture.get("choices") if isinstance(architecture, Mapping) else None
    if not isinstance(chosen, Mapping) or not chosen:
        return {}
    known = {str(name): value for name, value in chosen.items() if isinstance(value, int | float | str)}
    return {FAMILY: str(architecture.get("family", "")), **known}


def varying(tried: Sequence[Tried]) -> list[str]:
    """Return the choices that were not the same in every trial, in the order of the space."""
    names = dict.fromkeys(name for each in tried for name in each.choices)
    return [name for name in names if len({each.choices.get(name) for each in tried}) > 1]


def importances(tried: Sequence[Tried]) -> list[Importance]:
    """Return the choices that explain anything, the one that explains most first; nothing from too few trials.

    The share is epsilon squared of a one-way analysis of variance: unlike the plain share of the variance it does not
    grow with the number of values. Source: T. L. Kelley, "An unbiased correlation ratio measure", PNAS 21 (1935).
    """
    if len(tried) < FEWEST_TRIALS:
        return []
    found = [_importance(name, tried) for name in varying(tried)]
    return sorted((each for each in found if each and each.share > 0), key=lambda each: (-each.share, each.name))


def _importance(name: str, tried: Sequence[Tried]) -> Importance | None:
    groups: dict[Value, list[float]] = {}
    for each in tried:
        if name in each.choices:
            groups.setdefault(each.choices[name], []).append(each.accuracy)
    count = sum(map(len, groups.values()))
    mean = fmean(value for values in groups.values() for value in values)
    whole = sum((value - mean) ** 2 for values in groups.values() for value in values)
    free = count - len(groups)
    if whole <= 0 or free < 1 or len(groups) < 2:
        return None
    between = sum(len(values) * (fmean(values) - mean) ** 2 for values in groups.values())
    chance = (len(groups) - 1) * (whole - between) / free
    best = max(groups, key=lambda value: (fmean(groups[value]), str(value)))
    return Importance(name, title_of(name), max(0.0, (between - chance) / whole), value_text(best))


def title_of(name: str) -> str:
    """Return a choice in plain words: "stage 3, block 2: kernel"."""
    if name in NAMES:
        return NAMES[name]
    found = _PARTS.fullmatch(name)
    if found is None:
        return name
    stage, stage_number, block, block_number, rest = found.groups()
    where = ", ".join(f"{word} {number}" for word, number in ((stage, stage_number), (block, block_number)) if word)
    what = WORDS.get(rest, rest.replace("_", " "))
    return f"{where}: {what}" if where else what


def value_text(value: Value | None) -> str:
    """Return a value as it is shown."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return FAMILIES[value].title if value in FAMILIES else value
    return f"{value:g}"
