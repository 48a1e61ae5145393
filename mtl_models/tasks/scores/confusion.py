"""Metrics as functions of confusion counts, so that thousands of resampled test splits are judged at once.

A confusion array (..., K, K) counts rows by gold class (first of the two axes) and found class (second). Every function reduces
the last two axes and gives what scikit-learn gives for the same rows (the tests hold them to it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["METRICS", "accuracy", "confusion_counts", "f1", "macro_f1", "mcc", "quadratic_kappa", "rank_error", "ratio"]

Counts = NDArray[np.integer[Any] | np.floating[Any]]
Values = NDArray[np.float64]


def confusion_counts(gold: NDArray[np.int64], found: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Confusion counts (K, K) of N rows."""
    return np.bincount(gold * classes + found, minlength=classes * classes).reshape(classes, classes)


def accuracy(counts: Counts) -> Values:
    """Share of rows on the diagonal."""
    return ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def f1(counts: Counts) -> Values:
    """F1 of every class (..., K); 0 for a class that is neither there nor found."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return ratio(2 * hits, counts.sum(axis=-1) + counts.sum(axis=-2))


def macro_f1(counts: Counts) -> Values:
    """Mean of the classes' F1, over all K classes."""
    return np.asarray(f1(counts).mean(axis=-1))


def mcc(counts: Counts) -> Values:
    """Matthews correlation for K classes (Gorodkin 2004, eq. 8); 0 where one side has a single class."""
    counts = np.asarray(counts, dtype=np.float64)
    rows = counts.sum(axis=(-2, -1))
    gold, found = counts.sum(axis=-1), counts.sum(axis=-2)
    covariance = np.trace(counts, axis1=-2, axis2=-1) * rows - (gold * found).sum(axis=-1)
    spread = (rows**2 - (gold**2).sum(axis=-1)) * (rows**2 - (found**2).sum(axis=-1))
    return ratio(covariance, np.sqrt(spread))


def rank_error(counts: Counts) -> Values:
    """Mean distance of gold and found class where the classes are ordered, in ranks."""
    return ratio((counts * np.sqrt(_squared_distances(counts))).sum(axis=(-2, -1)), counts.sum(axis=(-2, -1)))


def quadratic_kappa(counts: Counts) -> Values:
    """Weighted kappa with squared distances (Cohen 1968); 1 is agreement, 0 is chance, also where all rows are of one class."""
    counts = np.asarray(counts, dtype=np.float64)
    far = _squared_distances(counts)
    by_chance = counts.sum(axis=-1)[..., :, None] * counts.sum(axis=-2)[..., None, :]
    chance = (by_chance * far).sum(axis=(-2, -1))
    return np.where(chance > 0, 1.0 - ratio((counts * far).sum(axis=(-2, -1)) * counts.sum(axis=(-2, -1)), chance), 0.0)


def ratio(part: Counts, whole: Counts) -> Values:
    """Element by element, 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros(np.shape(part), dtype=np.float64), where=np.asarray(whole) > 0)


def _squared_distances(counts: Counts) -> Values:
    """Squared distance of every pair of classes, (K, K)."""
    ranks = np.arange(counts.shape[-1], dtype=np.float64)
    return np.asarray((ranks[:, None] - ranks) ** 2)


METRICS: Mapping[str, Callable[[Counts], Values]] = {"accuracy": accuracy, "macro_f1": macro_f1, "mcc": mcc}
"""Name, as in `evaluation.metric` -> function."""
