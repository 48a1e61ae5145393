"""Scores where a text has one class out of K, ordered or not: all of them from the confusion counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mtl_models.tasks.scores.confusion import METRICS, quadratic_kappa, rank_error

__all__ = ["ClassScores", "OrderedScores"]

Sums = NDArray[Any]
Values = NDArray[np.float64]
Metric = Callable[[Sums], Values]


class ClassScores:
    """Accuracy, macro-F1 and Matthews correlation. The sums are the K * K confusion counts, row by row."""

    _of_counts: ClassVar[Mapping[str, Metric]] = METRICS

    def __init__(self, classes: int) -> None:
        self.classes = classes

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Name -> function of sums (..., K * K)."""
        return {name: self._unfolded(metric) for name, metric in self._of_counts.items()}

    def answers(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """The most probable class of every row, the first of equals."""
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)

    def parts(self, gold: NDArray[Any], answers: NDArray[Any]) -> csr_array:
        """One count per row, in the cell of its gold and found class."""
        rows = len(gold)
        cells = gold.astype(np.int64) * self.classes + answers
        return csr_array((np.ones(rows, dtype=np.int64), (np.arange(rows), cells)), shape=(rows, self.classes**2))

    def _unfolded(self, metric: Metric) -> Metric:
        return lambda sums: metric(sums.reshape(*sums.shape[:-1], self.classes, self.classes))


class OrderedScores(ClassScores):
    """The same, and what respects the order: mean absolute error in ranks, and quadratic weighted kappa."""

    _of_counts: ClassVar[Mapping[str, Metric]] = {**METRICS, "rank_error": rank_error, "quadratic_kappa": quadratic_kappa}
