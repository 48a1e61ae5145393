"""Where batches are cut: rows of about one length lie together, which leaves little padding. Training asks, and the sampling plan."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["POOL", "Lengths", "Rows", "bucketed", "cut_by_length"]

Rows = npt.NDArray[np.int64]
Lengths = npt.NDArray[np.int32]

POOL = 50
"""Batches sorted together: enough to leave little padding, few enough that a row meets others in every epoch."""


def cut_by_length(
    length: Lengths, batch_size: int, random: np.random.Generator, tokens: int | None = None, pool: int = POOL
) -> tuple[Rows, Rows]:
    """An order (N,) of N rows by their tokens (N,), and the places in it where batches begin, with the end of the last one.

    ceil(N / batch_size) batches; with `tokens` one that has more of them, padding included, is cut into smaller ones.
    """
    starts = np.append(np.arange(0, len(length), batch_size, dtype=np.int64), len(length))
    order = bucketed(length, starts[::pool], random)
    return order, starts if tokens is None else _within(starts, length[order], tokens)


def bucketed(length: Lengths, pools: Rows, random: np.random.Generator) -> Rows:
    """An order of the rows: shuffled, then sorted by length within the pools, which begin at the places `pools` (from 0)."""
    shuffled = random.permutation(len(length))
    pool = np.searchsorted(pools, np.arange(len(length)), side="right")
    order: Rows = shuffled[np.lexsort((length[shuffled], pool))]
    return order


def _within(starts: Rows, length: Lengths, tokens: int) -> Rows:
    """The batches that begin at `starts`, cut where one has more than `tokens`, padding included; a single row may have more."""
    found = [0]
    for first, last in pairwise(starts.tolist()):
        begin, longest = first, 0
        for place in range(first, last):
            longest = max(longest, int(length[place]))
            if place > begin and longest * (place + 1 - begin) > tokens:
                found.append(place)
                begin, longest = place, int(length[place])
        found.append(last)
    return np.array(found, dtype=np.int64)
