"""Scores where a text has any number of K labels: per label a binary decision, and the whole set right or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mtl_models.tasks.missing import present
from mtl_models.tasks.scores.confusion import mcc, ratio

__all__ = ["THRESHOLD", "LabelSetScores", "label_counts"]

THRESHOLD = 0.5
"""A label is in the answer where its probability is at least this."""

Sums = NDArray[Any]
Values = NDArray[np.float64]


class LabelSetScores:
    """The sums are, per label, rows by gold and found (neither, found only, gold only, both), then rows wholly right, and rows.

    A missing label counts nowhere; a row is wholly right if all its labels that are there are.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes

    @property
    def metrics(self) -> Mapping[str, Callable[[Sums], Values]]:
        """Name -> function of sums (..., 4 K + 2): accuracy is that of whole sets; macro-F1 and MCC are means of the labels'."""
        return {
            "accuracy": lambda sums: ratio(sums[..., -2], sums[..., -1]),
            "macro_f1": lambda sums: np.asarray(self._f1(self._counts(sums)).mean(axis=-1)),
            "mcc": lambda sums: np.asarray(mcc(self._counts(sums)).mean(axis=-1)),
            "micro_f1": lambda sums: self._f1(self._counts(sums).sum(axis=-3)),
        }

    def answers(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """1 for every label that is in the answer, (N, K) int8."""
        return np.asarray(probabilities >= THRESHOLD, dtype=np.int8)

    def parts(self, gold: NDArray[Any], answers: NDArray[Any]) -> csr_array:
        """K + 2 counts per row at most."""
        rows, there = len(gold), present(gold)
        row, label = np.nonzero(there)
        cell = 4 * label + 2 * gold[row, label].astype(np.int64) + answers[row, label]
        judged = np.flatnonzero(there.any(axis=1))
        right = judged[((gold == answers) | ~there)[judged].all(axis=1)]
        at = np.concatenate([row, right, judged])
        column = np.concatenate([cell, np.full(len(right), 4 * self.classes), np.full(len(judged), 4 * self.classes + 1)])
        return csr_array((np.ones(len(at), dtype=np.int64), (at, column)), shape=(rows, 4 * self.classes + 2))

    def _counts(self, sums: Sums) -> Sums:
        return label_counts(sums, self.classes)

    def _f1(self, counts: Sums) -> Values:
        hits, wrong, missed = counts[..., 1, 1], counts[..., 0, 1], counts[..., 1, 0]
        return ratio(2 * hits, 2 * hits + wrong + missed)


def label_counts(sums: Sums, classes: int) -> Sums:
    """Sums (..., 4 K + 2) -> confusion counts of every label (..., K, 2, 2), gold before found, absent before present."""
    return sums[..., : 4 * classes].reshape(*sums.shape[:-1], classes, 2, 2)
