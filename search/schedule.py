"""How long a network trains and how fast it learns, from the number of pictures alone. Pure.

The rule: every trial sees about 30,000 augmented pictures, in 8 to 40 epochs, in up to 100 where a network was cut out
of a published one. Small sets are shown often, large sets at least eight times, tiny ones until 200 steps are made. The
resolution changes the time of a picture, never the number of them; what trains too long at a resolution is not proposed
(`SearchSpec.trial_minutes`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

PEAK_RATE = 4e-3
"""For AdamW and a batch of 32. Source: benchmarks/RESULTS.md, search; nothing else was tried."""
PICTURES_SEEN = 30_000
FEWEST_EPOCHS, MOST_EPOCHS = 8, 40
FEWEST_STEPS = 200
"""Tiny sets have few batches: their epochs are more than the most, until so many steps are made."""
TUNING_PEAK_RATE, KEPT_NORMS_PEAK_RATE = 1e-3, 7e-4
"""For a network that knows pictures already: where its normalizations follow the pictures, and where they stay as they
are. Those that stay let a whole network forget all it knows at 1e-3 now and then; at 5e-4 it learns too little of a
small set that is unlike photographs. Source: benchmarks/RESULTS.md, search, Rates."""
HEIR_PEAK_RATE = 1.4e-3
"""For a network cut out of another one. Source: as above."""
SHARE_OF_HEIR = 0.5
"""Of the epochs from scratch, for a network cut out of one that has learned the same pictures: it is as good then, and
better after as many. Source: benchmarks/RESULTS.md, search, Parents."""
MOST_HEIR_EPOCHS, MOST_LONGER_HEIR_EPOCHS = 100, 120
"""Of a network cut out of a published one, which sees as many pictures of a small set as of a large one. Source:
benchmarks/RESULTS.md, search, Teachers: two to eight points better after 120 epochs of 300 pictures than after 40."""
TUNING_PICTURES_SEEN = 15_000
FEWEST_TUNING_EPOCHS, MOST_TUNING_EPOCHS, MOST_LONGER_TUNING_EPOCHS = 3, 25, 75
LONGER, LEAST_LONGER, LEAST_IN_TIME = 3, 2, 1.5
"""Times the epochs of a trial: of a longer training; what it must be allowed to be; and what there must be time for.
Twice as long was nearly as good as three times (benchmarks/RESULTS.md, search, Quarters), but on slow machines it often
does not fit in, and less is better than nothing; less was not measured."""
WARM_UP = 0.1
"""Share of all steps in which the learning rate rises."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The steps of one training."""

    pictures: int
    epochs: int
    batch: int
    peak_rate: float
    most_epochs: int = MOST_EPOCHS
    """More often than this the pictures are not shown, also in a longer training."""

    @property
    def longer_epochs(self) -> int:
        """Epochs of a last, longer training of the network that was chosen; 0 where it may not be twice as long."""
        return self.longer_within(math.inf)

    def longer_within(self, epochs_in_time: float) -> int:
        """Return the epochs of that training where there is time for so many; 0 where it would gain too little."""
        allowed = min(self.most_epochs, LONGER * self.epochs)
        epochs = min(allowed, epochs_in_time)
        worth_it = allowed >= LEAST_LONGER * self.epochs and epochs >= LEAST_IN_TIME * self.epochs
        return math.floor(epochs) if worth_it else 0

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in an epoch; the rest of the shuffled pictures waits for the next one."""
        return max(1, self.pictures // self.batch)

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step counted from 0: linear warm-up, then half a cosine down to 0."""
        steps = self.epochs * self.steps_per_epoch
        warm_up = max(1, round(steps * WARM_UP))
        if step < warm_up:
            return self.peak_rate * (step + 1) / warm_up
        return self.peak_rate * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def schedule_for(pictures: int, epochs: int | None = None, *, most_epochs: int = MOST_EPOCHS) -> Schedule:
    """Return how a training set of this many pictures is learned; `epochs` overrides the rule."""
    batch = 32 if pictures >= 640 else 16 if pictures >= 160 else min(8, pictures)
    by_pictures = min(most_epochs, max(FEWEST_EPOCHS, round(PICTURES_SEEN / pictures)))
    by_steps = math.ceil(FEWEST_STEPS / max(1, pictures // batch))
    return Schedule(pictures, epochs or max(by_pictures, by_steps), batch, PEAK_RATE * (batch / 32) ** 0.5)


def longer_share(pictures: int, *, knows: bool) -> float:
    """Return what a last, longer training takes, in trials: 0 where trials are long enough.

    Args:
        pictures: of the training set.
        knows: whether networks know pictures already.
    """
    schedule = tuning_schedule_for(pictures) if knows else schedule_for(pictures)
    return schedule.longer_epochs / schedule.epochs


def tuning_schedule_for(pictures: int, epochs: int | None = None, *, norms_learn: bool = True) -> Schedule:
    """Return how a training set of this many pictures is learned by a network that knows pictures already."""
    batch = 32 if pictures >= 320 else 16 if pictures >= 80 else min(8, pictures)
    by_pictures = min(MOST_TUNING_EPOCHS, max(FEWEST_TUNING_EPOCHS, round(TUNING_PICTURES_SEEN / pictures)))
    rate = (TUNING_PEAK_RATE if norms_learn else KEPT_NORMS_PEAK_RATE) * (batch / 32) ** 0.5
    return Schedule(pictures, by_pictures if epochs is None else epochs, batch, rate, MOST_LONGER_TUNING_EPOCHS)


def heir_schedule_for(pictures: int, epochs: int | None = None, *, knows_pictures: bool = False) -> Schedule:
    """Return how a training set of this many pictures is learned by a network that was cut out of another one.

    It sees as many pictures as from scratch: stopped early, it is worse than with a fitted head alone. Where the other
    one has learned the same pictures, half as many are enough, and as many in a last, longer training.
    """
    scratch = schedule_for(pictures)
    rate = HEIR_PEAK_RATE * (scratch.batch / 32) ** 0.5
    if not knows_pictures:
        cut = schedule_for(pictures, epochs, most_epochs=MOST_HEIR_EPOCHS)
        return replace(cut, peak_rate=rate, most_epochs=MOST_LONGER_HEIR_EPOCHS)
    usual = math.ceil(SHARE_OF_HEIR * scratch.epochs)
    return replace(
        scratch, epochs=usual if epochs is None else epochs, peak_rate=rate, most_epochs=max(scratch.epochs, 2 * usual)
    )
