"""Scores where a text has a number: correlation and errors, from sums of the two numbers, their products and their distance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mtl_models.tasks.scores.confusion import ratio

__all__ = ["RatingScores"]

Sums = NDArray[Any]
Values = NDArray[np.float64]


class RatingScores:
    """Pearson's r, mean absolute error and root mean squared error.

    Accuracy, macro-F1 and MCC mean nothing for a number; r, which like them is 1 at best, stands for each of them where tasks are compared.
    """

    def __init__(self, classes: int = 1) -> None:
        if classes != 1:
            raise ValueError(f"a rating is one number, not {classes}")

    @property
    def metrics(self) -> Mapping[str, Callable[[Sums], Values]]:
        """Name -> function of sums (..., 7): rows, gold, found, gold^2, found^2, gold * found, |gold - found|."""
        own: dict[str, Callable[[Sums], Values]] = {"pearson": _pearson, "mae": _mean_error, "rmse": _root_mean_square}
        return {**dict.fromkeys(("accuracy", "macro_f1", "mcc"), _pearson), **own}

    def answers(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """The number found for every row, (N,); a rating's `probabilities` (N, 1) are the number itself."""
        return np.asarray(probabilities[:, 0], dtype=np.float64)

    def parts(self, gold: NDArray[Any], answers: NDArray[Any]) -> csr_array:
        """Seven numbers per row, of ratings less their mean: no metric changes, and no digit is lost to a mean far from zero."""
        middle = gold.mean()
        true, found = gold.astype(np.float64) - middle, answers.astype(np.float64) - middle
        return csr_array(np.stack([np.ones(len(true)), true, found, true**2, found**2, true * found, np.abs(true - found)], axis=1))


def _pearson(sums: Sums) -> Values:
    """Correlation; 0 where one side does not vary."""
    rows, gold, found, gold2, found2, product, _ = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    spread = _spread(rows, gold, gold2) * _spread(rows, found, found2)
    return np.clip(ratio(rows * product - gold * found, np.sqrt(spread)), -1.0, 1.0)


def _spread(rows: Values, total: Values, squares: Values) -> Values:
    """Rows times the sum of squared deviations; what is left of equal numbers by rounding is nothing."""
    found = rows * squares - total**2
    return np.where(found > 1e-12 * rows * squares, found, 0.0)


def _mean_error(sums: Sums) -> Values:
    return ratio(sums[..., 6], sums[..., 0])


def _root_mean_square(sums: Sums) -> Values:
    squares = sums[..., 3] + sums[..., 4] - 2.0 * sums[..., 5]
    return np.sqrt(ratio(np.maximum(squares, 0.0), sums[..., 0]))
