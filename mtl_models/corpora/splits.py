"""Train, dev and test: seeded, stratified by label, groups whole, independent of the order of the rows.

Units of several rows (groups) are dealt out greedily, large ones first, each to the split that it brings closest to its share of
every class: the fit is chi-square, sum over classes of (have - want)^2 / want, which deals like the Sainte-Lague method of apportionment.
Rows that stand alone then fill what each class lacks in each split, in a seeded order. Sechidis, Tsoumakas and Vlahavas (2011) stratify
multi-label data in a like way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mtl_models.corpora.keys import EMPTY, Keys, scramble

__all__ = ["choose_rows", "deal"]

Labels = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float64]

_SPLIT_SALT, _CAP_SALT, _UNIT_SALT = 1, 2, 3


def deal(label: Labels, group: Keys, key: Keys, shares: Sequence[float], seed: int) -> npt.NDArray[np.int8]:
    """The split of each row, (N,), an index into `shares`, which are fractions that sum to 1.

    `label` counts from 0; rows of one `group` (0: alone) come to one split; `key` tells texts apart and gives the order.
    A split with a share is meant to have a row of every class; where groups or rows are too few it has none, and the caller must look.
    """
    wanted: Shares = np.asarray(shares, dtype=np.float64)
    classes = int(label.max()) + 1 if len(label) else 0
    total = np.bincount(label, minlength=classes)
    target = wanted[:, None] * total
    target = np.where(wanted[:, None] > 0, np.maximum(target, 1.0), 0.0)
    have = np.zeros_like(target)
    split = np.zeros(len(label), dtype=np.int8)
    order = scramble(_distinct(key), seed, _SPLIT_SALT)

    shared, unit, sizes = _units(group)
    if len(sizes):
        unit_split = _deal_units(label[shared], unit, sizes, group[shared], target, have, seed)
        split[shared] = unit_split[unit]
    alone = np.ones(len(label), dtype=np.bool_)
    alone[shared] = False
    for one in range(classes):
        rows = np.flatnonzero(alone & (label == one))
        lack = np.maximum(target[:, one] - have[:, one], 0.0)
        quota = _apportion(lack if lack.sum() > 0 else wanted, len(rows))
        rows = rows[np.argsort(order[rows], kind="stable")]
        split[rows] = np.repeat(np.arange(len(wanted), dtype=np.int8), quota)
    return split


def choose_rows(label: Labels, key: Keys, count: int, seed: int) -> npt.NDArray[np.int64]:
    """`count` rows with the class shares of all, at least one of each class where `count` allows; sorted row numbers."""
    present = np.bincount(label)
    quota = _apportion(present.astype(np.float64), min(count, len(label)))
    for lacking in np.flatnonzero((quota == 0) & (present > 0)):
        richest = int(quota.argmax())
        if quota[richest] > 1:
            quota[richest] -= 1
            quota[lacking] += 1
    order = scramble(_distinct(key), seed, _CAP_SALT)
    chosen = []
    for one, size in enumerate(quota):
        rows = np.flatnonzero(label == one)
        chosen.append(rows[np.argsort(order[rows], kind="stable")[:size]])
    rows_kept: npt.NDArray[np.int64] = np.sort(np.concatenate(chosen))
    return rows_kept


def _distinct(key: Keys) -> Keys:
    """Keys that tell empty texts apart too, by their row."""
    return np.where(key == EMPTY, np.arange(len(key), dtype=np.uint64), key)


def _apportion(weights: Shares, seats: int) -> npt.NDArray[np.int64]:
    """Whole numbers that sum to `seats`, in proportion to `weights`, by largest remainder."""
    exact = weights / weights.sum() * seats
    quota: npt.NDArray[np.int64] = np.floor(exact).astype(np.int64)
    # the seats that are left go to the largest remainders; rounding first lets equal ones fall to the first, whatever the last bit says
    for index in np.argsort(-np.round(exact - quota, 9), kind="stable")[: seats - int(quota.sum())]:
        quota[index] += 1
    return quota


def _units(group: Keys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows that share their group with others, the unit number of each, and the units' sizes."""
    grouped = np.flatnonzero(group != 0)
    _, unit, sizes = np.unique(group[grouped], return_inverse=True, return_counts=True)
    several = sizes > 1
    renumbered = np.cumsum(several) - 1
    mine = several[unit]
    return grouped[mine], renumbered[unit[mine]], sizes[several]


def _deal_units(
    label: Labels,
    unit: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    group: Keys,
    target: Shares,
    have: Shares,
    seed: int,
) -> npt.NDArray[np.int8]:
    """The split of each unit; adds the rows dealt to `have`. `label`, `unit` and `group` are per row, `sizes` per unit."""
    classes = target.shape[1]
    cells, counts = np.unique(unit * classes + label, return_counts=True)
    of_class, bounds = (cells % classes).tolist(), np.searchsorted(cells // classes, np.arange(len(sizes) + 1)).tolist()
    amounts = counts.tolist()
    name = np.zeros(len(sizes), dtype=np.uint64)
    name[unit] = group
    # large first, but among units of like size (by powers of two) in a seeded order
    order = np.lexsort((scramble(name, seed, _UNIT_SALT), -np.floor(np.log2(sizes))))

    open_splits = [number for number in range(len(target)) if target[number].sum() > 0]
    want, got = target.tolist(), have.tolist()
    split = np.zeros(len(sizes), dtype=np.int8)
    for one in order.tolist():
        parts = range(bounds[one], bounds[one + 1])
        best, least = open_splits[0], float("inf")
        for number in open_splits:
            cost = 0.0
            for part in parts:
                kind, amount = of_class[part], amounts[part]
                cost += amount * (2.0 * (got[number][kind] - want[number][kind]) + amount) / want[number][kind]
            if cost < least:
                best, least = number, cost
        for part in parts:
            got[best][of_class[part]] += amounts[part]
        split[one] = best
    have[:] = got
    return split
