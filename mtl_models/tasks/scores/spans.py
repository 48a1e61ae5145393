"""Scores of spans, of pairs of them, and of any annotations that count whole or not at all: precision, recall and F1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mtl_models.tasks.scores.confusion import ratio

__all__ = ["SpanScores"]

Sums = NDArray[Any]
Values = NDArray[np.float64]


class SpanScores:
    """Precision, recall and F1 over all types at once, as the CoNLL shared tasks score (strict IOB2 of seqeval).

    An annotation that is given twice counts once.

    Accuracy and MCC mean nothing where nobody counts what rightly was not found; F1, which like them is 1 at best, stands for each
    of them, and for macro-F1, where tasks are compared.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes

    @property
    def metrics(self) -> Mapping[str, Callable[[Sums], Values]]:
        """Name -> function of sums (..., 3 K): of every type the annotations right, then those that are gold, then those found."""
        own: dict[str, Callable[[Sums], Values]] = {"f1": self._f1, "precision": self._precision, "recall": self._recall}
        return {**dict.fromkeys(("accuracy", "macro_f1", "mcc"), self._f1), **own}

    def answers(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """What was found is the answer: annotations, object array (N,)."""
        return probabilities

    def parts(self, gold: NDArray[Any], answers: NDArray[Any]) -> csr_array:
        """Counts of every text, `gold` and `answers` object arrays (N,) of annotations."""
        gold_rows, found_rows = _stacked(gold, self._judged), _stacked(answers, self._judged)
        rows = np.concatenate([gold_rows, found_rows])
        _, key = np.unique(rows, axis=0, return_inverse=True)
        key = key.reshape(-1)
        _, in_gold = np.unique(key[: len(gold_rows)], return_index=True)
        _, in_found = np.unique(key[len(gold_rows) :], return_index=True)
        right = in_gold[np.isin(key[in_gold], key[len(gold_rows) :])]
        judged = np.concatenate([gold_rows[right], gold_rows[in_gold], found_rows[in_found]])
        block = np.repeat([0, 1, 2], [len(right), len(in_gold), len(in_found)])
        cells = judged[:, 0], block * self.classes + judged[:, -1]
        return csr_array((np.ones(len(judged), dtype=np.int64), cells), shape=(len(gold), 3 * self.classes))

    def _judged(self, annotations: NDArray[Any]) -> NDArray[Any]:
        """The columns of (M, W) that have to be right, the type last."""
        return annotations

    def _total(self, sums: Sums, block: int) -> Sums:
        return np.asarray(sums[..., block * self.classes : (block + 1) * self.classes].sum(axis=-1))

    def _f1(self, sums: Sums) -> Values:
        return ratio(2 * self._total(sums, 0), self._total(sums, 1) + self._total(sums, 2))

    def _precision(self, sums: Sums) -> Values:
        return ratio(self._total(sums, 0), self._total(sums, 2))

    def _recall(self, sums: Sums) -> Values:
        return ratio(self._total(sums, 0), self._total(sums, 1))


def _stacked(texts: NDArray[Any], judged: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[np.int64]:
    """The annotations of all texts, (M, 1 + columns): the text's number before the columns that are judged."""
    row = np.repeat(np.arange(len(texts)), [len(annotations) for annotations in texts])
    together = judged(np.concatenate(list(texts))).astype(np.int64)
    return np.concatenate([row[:, None], together], axis=1)
