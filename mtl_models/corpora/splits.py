"""Train, dev and test: seeded, stratified by label, groups whole, independent of the order of the rows.

Units of several rows (groups) are dealt out greedily, large ones first, each to the split that it brings closest to its share of
every class: the fit is chi-square, sum over classes of (have - want)^2 / want, which deals like the Sainte-Lague method of apportionment.
Rows that stand alone then fill what each class lacks in each split, in a seeded order. Rows of several labels are all dealt greedily, those
with the rarest label first (Sechidis, Tsoumakas and Vlahavas 2011).

Or by text alone: each text's own random number says its split, whatever else is in the corpus, so that tasks with texts in common agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mtl_models.corpora.keys import EMPTY, Keys, scramble

__all__ = ["choose_rows", "deal", "deal_by_text", "deal_sets", "rarest"]

Labels = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float64]

_SPLIT_SALT, _CAP_SALT, _UNIT_SALT, _TEXT_SALT = 1, 2, 3, 4


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
        # large first, but among units of like size (by powers of two) in a seeded order
        order_of_units = np.lexsort((scramble(_names(unit, len(sizes), group[shared]), seed, _UNIT_SALT), -np.floor(np.log2(sizes))))
        split[shared] = _deal_units(label[shared], unit, order_of_units, target, have)[unit]
    alone = np.ones(len(label), dtype=np.bool_)
    alone[shared] = False
    for one in range(classes):
        rows = np.flatnonzero(alone & (label == one))
        lack = np.maximum(target[:, one] - have[:, one], 0.0)
        quota = _apportion(lack if lack.sum() > 0 else wanted, len(rows))
        rows = rows[np.argsort(order[rows], kind="stable")]
        split[rows] = np.repeat(np.arange(len(wanted), dtype=np.int8), quota)
    return split


def deal_sets(has: npt.NDArray[np.bool_], group: Keys, key: Keys, shares: Sequence[float], seed: int) -> npt.NDArray[np.int8]:
    """`deal` for rows of several labels: `has` (N, K) says which. Splits come to have like shares of every label, and of the rows."""
    wanted: Shares = np.asarray(shares, dtype=np.float64)
    total = np.append(has.sum(axis=0), len(has))
    target = np.where(wanted[:, None] > 0, np.maximum(wanted[:, None] * total, 1.0), 0.0)
    # a row alone is a unit of its own; its text names it, and a group its members
    name = np.where(group != 0, group, _distinct(key))
    _, unit = np.unique(np.stack([group != 0, name], axis=1), axis=0, return_inverse=True)
    units = int(unit.max()) + 1 if len(unit) else 0
    row, label = np.nonzero(has)
    scarcest = np.full(units, len(has) + 1, dtype=np.int64)
    np.minimum.at(scarcest, unit[row], total[label])
    order = np.lexsort((scramble(_names(unit, units, name), seed, _UNIT_SALT), scarcest))
    entries = np.concatenate([label, np.full(len(has), has.shape[1])]), np.concatenate([unit[row], unit])
    return _deal_units(*entries, order, target, np.zeros_like(target))[unit]


def deal_by_text(group: Keys, key: Keys, shares: Sequence[float], seed: int) -> npt.NDArray[np.int8]:
    """The split of each row by the seeded number of its group, or of its text where it stands alone, and by nothing else.

    Shares are met on average; no class is seen to.
    """
    place = scramble(np.where(group != 0, group, key), seed, _TEXT_SALT) / 2.0**64
    bounds = np.cumsum(np.asarray(shares, dtype=np.float64)[::-1])[:-1]
    return (len(shares) - 1 - np.searchsorted(bounds, place, side="right")).astype(np.int8)


def rarest(has: npt.NDArray[np.bool_]) -> Labels:
    """The label of each row that the fewest rows have, K where it has none; `has` (N, K)."""
    scarcity = np.where(has, has.sum(axis=0), len(has) + 1)
    found: Labels = np.where(has.any(axis=1), scarcity.argmin(axis=1), has.shape[1]).astype(np.int32)
    return found


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


def _names(unit: npt.NDArray[np.int64], units: int, name: Keys) -> Keys:
    """The name of each unit, from those of its rows."""
    found = np.zeros(units, dtype=np.uint64)
    found[unit] = name
    return found


def _deal_units(
    label: npt.NDArray[np.integer], unit: npt.NDArray[np.int64], order: npt.NDArray[np.int64], target: Shares, have: Shares
) -> npt.NDArray[np.int8]:
    """The split of each unit, dealt in that order; adds what was dealt to `have`. `label` and `unit` are per row and label it has."""
    classes, units = target.shape[1], len(order)
    cells, counts = np.unique(unit * classes + label, return_counts=True)
    of_class, bounds = (cells % classes).tolist(), np.searchsorted(cells // classes, np.arange(units + 1)).tolist()
    amounts = counts.tolist()

    open_splits = [number for number in range(len(target)) if target[number].sum() > 0]
    want, got = target.tolist(), have.tolist()
    split = np.zeros(units, dtype=np.int8)
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
