"""Who trains, who validates, who tests: 70 / 15 / 15 in every class, decided by the content and then frozen."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
HELD_OUT_SHARE = 0.15
MIN_HELD_OUT = 2


@dataclass(slots=True)
class Room:
    """How many pictures each split of each class still takes."""

    left: list[list[int]] = field(default_factory=list)
    """(classes, 3)"""

    def takes(self, counts: Counter[int], split: int) -> bool:
        """Say whether a group fits into a split without overfilling any class."""
        return all(self.left[label][split] >= count for label, count in counts.items())

    def smallest(self, counts: Counter[int], split: int) -> int:
        """Return the room of the fullest class concerned."""
        return min(self.left[label][split] for label in counts)

    def fill(self, counts: Counter[int], split: int) -> None:
        """Note that a group went into a split."""
        for label, count in counts.items():
            self.left[label][split] -= count


def split_pictures(labels: Sequence[int], groups: Sequence[int], seed: int) -> tuple[list[int], list[int]]:
    """Return each picture's split, and the classes whose one series had to be cut over the splits.

    Groups stay whole, larger ones are placed first, each in a split drawn by the room left; single pictures then fill
    every class to its exact share. The same content gives the same split.

    Args:
        labels: class of each picture, 0 and up; at least 3 pictures a class.
        groups: group of each picture, any number; twins share one.
        seed: taken from the content.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for picture, group in enumerate(groups):
        members[group].append(picture)
    order = list(members.values())
    draw = random.Random(seed)
    draw.shuffle(order)
    order.sort(key=len, reverse=True)
    room = Room([list(_shares(count)) for count in _counts(labels)])
    splits = [TRAIN] * len(labels)
    for together in order:
        counts = Counter(labels[picture] for picture in together)
        split = _choose(room, counts, draw)
        room.fill(counts, split)
        for picture in together:
            splits[picture] = split
    return splits, _mend(splits, labels, groups)


def _shares(count: int) -> tuple[int, int, int]:
    held_out = max(MIN_HELD_OUT if count >= 2 * MIN_HELD_OUT + 2 else 1, round(HELD_OUT_SHARE * count))
    return count - 2 * held_out, held_out, held_out


def _counts(labels: Sequence[int]) -> list[int]:
    counts = [0] * (max(labels) + 1)
    for label in labels:
        counts[label] += 1
    return counts


def _choose(room: Room, counts: Counter[int], draw: random.Random) -> int:
    fitting = [split for split in range(3) if room.takes(counts, split)]
    if not fitting:
        return max(range(3), key=lambda split: room.smallest(counts, split))
    return draw.choices(fitting, [room.smallest(counts, split) for split in fitting])[0]


def _mend(splits: list[int], labels: Sequence[int], groups: Sequence[int]) -> list[int]:
    """Give every class pictures in every split; return the classes where that broke a series apart."""
    cut = []
    group_sizes = Counter(groups)
    by_class: dict[int, list[int]] = defaultdict(list)
    for picture, label in enumerate(labels):
        by_class[label].append(picture)
    for label, pictures in by_class.items():
        for empty in (TEST, VALIDATION, TRAIN):
            if all(splits[one] != empty for one in pictures):
                moved = _one_group_to_move(pictures, splits, groups)
                for one in moved:
                    splits[one] = empty
                if len(moved) < group_sizes[groups[moved[0]]]:
                    cut.append(label)
    return sorted(set(cut))


def _one_group_to_move(pictures: list[int], splits: list[int], groups: Sequence[int]) -> list[int]:
    """Return a class's smallest group in its fullest split of several groups; of a class without one, a series' end."""
    held: list[dict[int, list[int]]] = [defaultdict(list) for _ in SPLITS]
    for one in pictures:
        held[splits[one]][groups[one]].append(one)
    several = [by_group for by_group in held if len(by_group) > 1]
    donor = max(several or held, key=lambda by_group: sum(map(len, by_group.values())))
    smallest = min(donor.values(), key=len)
    return smallest if several else smallest[-_shares(len(pictures))[TEST] :]
