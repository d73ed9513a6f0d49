"""How a network learns, as choices of the space beside those of the network itself. Pure.

An architecture carries them among its `choices`, so that rows, files and keras-tuner name them as they name the others.
No architecture is trained twice: a recipe is chosen with a network, not tried on one that was trained before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum

from models.architecture import Architecture, Choice


class Learns(StrEnum):
    """Which layers of a published network change while it learns new pictures; of any other network all do."""

    LATE = "late"
    """Early layers and normalizations stay as they are: that takes two thirds of the time, and forgets less."""
    ALL = "all"
    """All layers, the early ones slowly, and the normalizations."""


LEARNS = "learns"
"""The name of the choice of layers."""
RATES: tuple[Choice, ...] = (0.5, 1.0, 2.0)
"""Peak learning rate, of the usual one (`search.schedule`)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one network learns."""

    learns: str = Learns.LATE.value
    rate: float = 1.0

    @property
    def sentence(self) -> str:
        """What is unusual about it, for people; empty where nothing is."""
        layers = "all of its layers learn" if self.learns == Learns.ALL else ""
        rate = "" if self.rate == 1 else f"its learning rate is {times_in_words(self.rate)} the usual one"
        words = ", and ".join(filter(None, (layers, rate)))
        return f"{words[:1].upper()}{words[1:]}." if words else ""


def times_in_words(times: float) -> str:
    """Return how many times the usual rate a rate is, as it is read before "the usual"."""
    return {0.5: "half", 2.0: "twice"}.get(times, f"{times:g} times")


_NAMES = frozenset(each.name for each in fields(Recipe))
USUAL = Recipe()
"""What nobody chose."""

RECIPES = 2 * (Recipe(Learns.ALL.value, 0.5), USUAL)
"""How the whole published networks of a beginning search learn, one after the other; it may try other ways later.

All layers at half the rate suited photographs, where they were one and a half points worse at the whole one, as well as
leaves. Late stages alone were two to three points worse on leaves, and no worse on photographs and hands, in two thirds
of the time. Source: benchmarks/RESULTS.md, search, Rates and Photographs.
"""


def recipe_choices(*, pretrained: bool) -> Mapping[str, tuple[Choice, ...]]:
    """Return what can be chosen of a training."""
    learns: Mapping[str, tuple[Choice, ...]] = {LEARNS: tuple(each.value for each in Learns)} if pretrained else {}
    return {**learns, "rate": RATES}


def as_usual(architecture: Architecture) -> Architecture:
    """Return the network without a recipe: other pictures, or another start, may want another one."""
    network = {name: value for name, value in architecture.choices.items() if name not in _NAMES}
    return replace(architecture, choices=network)


def usual_recipe(names: Mapping[str, object]) -> dict[str, Choice]:
    """Return the usual value of each of the named choices that belongs to a recipe."""
    return {name: value for name, value in asdict(USUAL).items() if name in names}


def recipe_of(choices: Mapping[str, Choice]) -> Recipe:
    """Return the recipe among an architecture's choices; what they do not say, older ones among them, is as usual."""
    return Recipe(str(choices.get(LEARNS, USUAL.learns)), float(choices.get("rate", USUAL.rate)))
