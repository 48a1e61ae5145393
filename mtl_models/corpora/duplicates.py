"""Rows that say what another row says: which to keep.

Texts are the same when their normalised forms are (`keys.normalised`). Among rows free to be split, the first copy is kept if all copies
bear one label; if their labels conflict nobody knows the right one, and all copies go. Rows of a given dev or test split stay as they were
given, so that figures remain comparable with others' on that split; train rows, and dev rows, give way to them.

Where labels lie on words, equal texts are usual (lines of tables, datelines, "he said .") and each has labels of its own: copies within
the rows that are free to be split stay, and only those across splits go.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mtl_models.corpora.corpus import SPLITS
from mtl_models.corpora.keys import EMPTY, Keys

__all__ = ["CONFLICT", "HELD_OUT", "NEAR_DUPLICATE", "SAME", "keep_apart", "keep_unique"]

SAME = "duplicate"
NEAR_DUPLICATE = "duplicate but for case, spacing or punctuation"
CONFLICT = "same text with different labels"
HELD_OUT = "duplicate across splits"

_TRAIN, _DEV, _TEST = range(len(SPLITS))

Mask = npt.NDArray[np.bool_]


def keep_apart(key: Keys, part: npt.NDArray[np.int8]) -> tuple[Mask, dict[str, int]]:
    """`keep_unique` for labels of words: which rows to keep, (N,) bool, where copies stay unless they are across splits.

    A row whose `part` is -1 is out already, and in nobody's way.
    """
    across = _across(key, part)
    return ~across, {HELD_OUT: int(across.sum())} if across.any() else {}


def keep_unique(key: Keys, exact: Keys, label: npt.NDArray[np.int32], part: npt.NDArray[np.int8]) -> tuple[Mask, dict[str, int]]:
    """Which rows to keep, (N,) bool, and how many went for which reason.

    `key` and `exact` are the keys of each text normalised and as it stands; `part` is the split given, 0 where none is.
    """
    across = _across(key, part)
    rows = np.flatnonzero((key != EMPTY) & (part == _TRAIN) & ~across)
    same, near, conflict = _repeats(key[rows], exact[rows], label[rows])
    keep = ~across
    keep[rows[same | near | conflict]] = False
    counts = {SAME: same.sum(), NEAR_DUPLICATE: near.sum(), CONFLICT: conflict.sum(), HELD_OUT: across.sum()}
    return keep, {reason: int(count) for reason, count in counts.items() if count}


def _across(key: Keys, part: npt.NDArray[np.int8]) -> Mask:
    """Rows that give way to a given dev or test split."""
    seen = key != EMPTY
    across: Mask = seen & (part == _DEV) & np.isin(key, key[part == _TEST])
    across |= seen & (part == _TRAIN) & np.isin(key, key[part > _TRAIN])
    return across


def _repeats(key: Keys, exact: Keys, label: npt.NDArray[np.int32]) -> tuple[Mask, Mask, Mask]:
    """Masks of exact copies after a first, of near copies after a first, and of copies whose labels conflict."""
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=~key[order[:1]]))
    run = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
    labels = label[order]
    if len(order):
        conflicting = (np.minimum.reduceat(labels, starts) != np.maximum.reduceat(labels, starts))[run]
    else:
        conflicting = np.zeros(0, dtype=np.bool_)
    later = np.ones(len(order), dtype=np.bool_)
    later[starts] = False
    like_first = exact[order] == exact[order[starts]][run]
    masks = (later & like_first & ~conflicting, later & ~like_first & ~conflicting, conflicting)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return masks[0][back], masks[1][back], masks[2][back]
