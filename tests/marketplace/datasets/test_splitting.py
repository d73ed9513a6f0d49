"""Stratified, twins together, the same for the same content."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.datasets.splitting import SPLITS, TEST, TRAIN, VALIDATION, split_pictures

Pictures = list[tuple[int, int]]


@st.composite
def datasets(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """2 to 4 classes of 10 to 60 pictures, in groups of any size within a class."""
    labels: list[int] = []
    groups: list[int] = []
    for label in range(draw(st.integers(2, 4))):
        count = draw(st.integers(10, 60))
        while count:
            together = draw(st.integers(1, min(count, draw(st.sampled_from([1, 1, 1, 4, 60])))))
            group = len(labels)
            labels += [label] * together
            groups += [group] * together
            count -= together
    return labels, groups


@settings(deadline=None, max_examples=60)
@given(datasets(), st.integers(0, 2**64 - 1))
def test_every_class_is_in_every_split(dataset: tuple[list[int], list[int]], seed: int) -> None:
    labels, groups = dataset
    splits, _ = split_pictures(labels, groups, seed)
    counts = Counter(zip(labels, splits, strict=True))
    assert all(counts[label, split] >= 1 for label in set(labels) for split in range(len(SPLITS)))


@settings(deadline=None, max_examples=60)
@given(datasets(), st.integers(0, 2**64 - 1))
def test_twins_stay_in_one_split_unless_a_class_is_one_series(dataset: tuple[list[int], list[int]], seed: int) -> None:
    labels, groups = dataset
    splits, cut = split_pictures(labels, groups, seed)
    homes: dict[int, set[int]] = defaultdict(set)
    for label, group, split in zip(labels, groups, splits, strict=True):
        if label not in cut:
            homes[group].add(split)
    assert all(len(home) == 1 for home in homes.values())
    groups_of_class: dict[int, set[int]] = defaultdict(set)
    for label, group in zip(labels, groups, strict=True):
        groups_of_class[label].add(group)
    assert all(len(groups_of_class[label]) < 3 for label in cut)


@settings(deadline=None, max_examples=50)
@given(datasets(), st.integers(0, 2**64 - 1))
def test_the_same_content_gives_the_same_split(dataset: tuple[list[int], list[int]], seed: int) -> None:
    assert split_pictures(*dataset, seed) == split_pictures(*dataset, seed)


@given(st.lists(st.integers(10, 300), min_size=2, max_size=5), st.integers(0, 2**64 - 1))
@settings(deadline=None, max_examples=50)
def test_without_twins_every_class_has_its_exact_share(counts: list[int], seed: int) -> None:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    splits, cut = split_pictures(labels, range(len(labels)), seed)
    found = Counter(zip(labels, splits, strict=True))
    assert cut == []
    for label, count in enumerate(counts):
        share = max(2, round(0.15 * count))
        assert found[label, VALIDATION] == found[label, TEST] == share
        assert found[label, TRAIN] == count - 2 * share


def test_another_seed_gives_another_split() -> None:
    labels = [0] * 50 + [1] * 50
    assert split_pictures(labels, range(100), 1) != split_pictures(labels, range(100), 2)


def test_groups_are_found_in_every_split() -> None:
    labels = [0] * 200 + [1] * 200
    groups = [picture // 4 for picture in range(400)]
    splits, _ = split_pictures(labels, groups, 7)
    shares = Counter(splits)
    assert 50 <= shares[VALIDATION] <= 70
    assert 50 <= shares[TEST] <= 70


def test_twins_of_two_classes_stay_together() -> None:
    labels = [0] * 30 + [1] * 30
    groups = [picture % 30 for picture in range(60)]
    splits, cut = split_pictures(labels, groups, 3)
    assert splits[:30] == splits[30:]
    assert cut == []


def test_a_class_that_is_one_series_is_cut_and_named() -> None:
    splits, cut = split_pictures([0] * 40 + [1] * 40, [0] * 40 + list(range(40, 80)), 5)
    assert cut == [0]
    assert Counter(splits[:40]) == {TRAIN: 28, VALIDATION: 6, TEST: 6}
