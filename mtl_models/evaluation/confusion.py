"""Metrics as functions of confusion counts, so that thousands of resampled test splits are judged at once.

A confusion array (..., K, K) counts rows by gold class (first of the two axes) and found class (second). Every function reduces
the last two axes and gives what scikit-learn gives for the same rows (the tests hold them to it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["METRICS", "accuracy", "confusion_counts", "f1", "macro_f1", "mcc"]

Counts = NDArray[np.integer[Any] | np.floating[Any]]
Values = NDArray[np.float64]


def confusion_counts(gold: NDArray[np.int64], found: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Confusion counts (K, K) of N rows."""
    return np.bincount(gold * classes + found, minlength=classes * classes).reshape(classes, classes)


def accuracy(counts: Counts) -> Values:
    """Share of rows on the diagonal."""
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def f1(counts: Counts) -> Values:
    """F1 of every class (..., K); 0 for a class that is neither there nor found."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return _ratio(2 * hits, counts.sum(axis=-1) + counts.sum(axis=-2))


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
    return _ratio(covariance, np.sqrt(spread))


METRICS: Mapping[str, Callable[[Counts], Values]] = {"accuracy": accuracy, "macro_f1": macro_f1, "mcc": mcc}
"""Name, as in `evaluation.metric` -> function."""


def _ratio(part: Counts, whole: Counts) -> Values:
    return np.divide(part, whole, out=np.zeros(np.shape(part), dtype=np.float64), where=np.asarray(whole) > 0)
