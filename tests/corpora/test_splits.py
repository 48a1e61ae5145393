"""Splits must have the asked shares of every class, keep groups whole, and follow from the seed: else scores cannot be compared."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_models.corpora.splits import choose_rows, deal

SHARES = [0.7, 0.1, 0.2]


def rows(count: int, classes: int, seed: int, groups: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    weights = chance.dirichlet(np.full(classes, 3.0))
    label = chance.choice(classes, count, p=weights).astype(np.int32)
    label[:classes] = np.arange(classes)
    group = chance.integers(1, groups + 1, count).astype(np.uint64) if groups else np.zeros(count, dtype=np.uint64)
    return label, group, chance.permutation(np.arange(1, count + 1, dtype=np.uint64)) * np.uint64(7919)


@settings(max_examples=50, deadline=None)
@given(count=st.integers(60, 500), classes=st.integers(2, 5), seed=st.integers(0, 99))
def test_every_class_has_the_asked_share_to_within_a_row(count: int, classes: int, seed: int) -> None:
    label, group, key = rows(count, classes, seed)
    split = deal(label, group, key, SHARES, seed)
    for one in range(classes):
        mine = np.bincount(split[label == one], minlength=3)
        total = mine.sum()
        if total >= 10:
            assert np.abs(mine - total * np.array(SHARES)).max() < 1
        elif total >= 3:
            assert mine.min() >= 1, "a class of three rows or more is in every split"


@settings(max_examples=30, deadline=None)
@given(count=st.integers(300, 900), classes=st.integers(2, 4), groups=st.integers(40, 120), seed=st.integers(0, 99))
def test_groups_stay_whole_and_shares_are_near(count: int, classes: int, groups: int, seed: int) -> None:
    label, group, key = rows(count, classes, seed, groups)
    group[:20] = 0
    split = deal(label, group, key, SHARES, seed)
    for one in np.unique(group[group != 0]):
        assert len(np.unique(split[group == one])) == 1
    largest = np.bincount(group[group != 0].astype(int)).max()
    assert np.abs(np.bincount(split, minlength=3) - count * np.array(SHARES)).max() <= largest + classes


def test_a_group_larger_than_the_test_share_goes_to_train() -> None:
    label = np.tile(np.array([0, 1], dtype=np.int32), 500)
    group = np.where(np.arange(1000) < 500, 1, np.arange(1000) // 5 + 2).astype(np.uint64)
    split = deal(label, group, np.arange(1, 1001, dtype=np.uint64), SHARES, 13)
    assert set(split[:500]) == {0}
    assert np.abs(np.bincount(split) - np.array([700, 100, 200])).max() <= 5


def test_large_groups_are_shared_out_by_class_too() -> None:
    """Reviews of one class each: dealing them by size alone would leave classes in the wrong shares."""
    chance = np.random.default_rng(0)
    group = np.repeat(np.arange(1, 401), chance.integers(1, 20, 400)).astype(np.uint64)
    label = (group % 4 == 0).astype(np.int32)
    split = deal(label, group, np.arange(1, len(group) + 1, dtype=np.uint64), SHARES, 13)
    for one in (0, 1):
        assert np.abs(np.bincount(split[label == one]) / (label == one).sum() - SHARES).max() < 0.02


@given(seed=st.integers(0, 50), groups=st.sampled_from([0, 60]))
@settings(max_examples=20, deadline=None)
def test_the_seed_alone_decides_not_the_order_of_rows(seed: int, groups: int) -> None:
    label, group, key = rows(300, 3, 7, groups)
    split = deal(label, group, key, SHARES, seed)
    order = np.random.default_rng(seed).permutation(300)
    assert np.array_equal(deal(label[order], group[order], key[order], SHARES, seed), split[order])
    assert not np.array_equal(deal(label, group, key, SHARES, seed + 1), split)


def test_a_split_without_share_stays_empty() -> None:
    label, group, key = rows(200, 2, 1, 30)
    assert set(deal(label, group, key, [0.8, 0.0, 0.2], 1)) == {0, 2}


@settings(max_examples=40, deadline=None)
@given(count=st.integers(20, 300), classes=st.integers(2, 4), most=st.integers(4, 320), seed=st.integers(0, 99))
def test_a_cap_keeps_the_class_shares(count: int, classes: int, most: int, seed: int) -> None:
    label, _, key = rows(count, classes, seed)
    chosen = choose_rows(label, key, most, seed)
    assert len(chosen) == min(most, count)
    assert len(np.unique(chosen)) == len(chosen)
    before, after = np.bincount(label, minlength=classes), np.bincount(label[chosen], minlength=classes)
    assert np.all(after[before > 0] > 0)
    assert np.abs(after - before * len(chosen) / count).max() <= classes


@pytest.mark.parametrize("groups", [0, 200_000])
def test_a_million_rows_take_seconds(groups: int) -> None:
    label, group, key = rows(1_000_000, 4, 1, groups)
    started = time.process_time()
    deal(label, group, key, SHARES, 1)
    assert time.process_time() - started < 10
