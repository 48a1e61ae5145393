"""The paired bootstrap: how far a difference between two models could be luck of the test rows (Efron and Tibshirani 1993, ch. 13).

All models of a task are judged on the same resampled rows, so their differences are paired. Resampling N rows with replacement and
counting them by what matters to a metric, the cell (gold label, what model 1 found, what model 2 found ...), gives multinomial counts
with the cells' shares as probabilities. So we draw those counts at once for all resamples: the same distribution as drawing rows,
at a cost that follows the few cells and not the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy.sparse import csr_array

from mtl_models.evaluation.confusion import METRICS

__all__ = ["Estimate", "estimate", "resample"]

_NUMBERS_AT_ONCE = 4_000_000


class Estimate(BaseModel):
    """A value on the test rows, and its percentile interval over the resamples."""

    value: float
    low: float
    high: float


def estimate(value: float, resampled: NDArray[np.float64], confidence: float) -> Estimate:
    """`value` with the central interval that holds the share `confidence` of `resampled` (R,)."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Estimate(value=value, low=float(low), high=float(high))


def resample(
    gold: NDArray[np.int64],
    found: Mapping[str, NDArray[np.int64]],
    classes: int,
    metric: str,
    resamples: int,
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    """Model -> its metric on each of R resampled test splits (R,), the same splits for all models.

    `gold` (N,) and each of `found` (N,) are class numbers below `classes`; `metric` is a name in `METRICS`.
    The difference of two of the results is the paired bootstrap of their difference.
    """
    names = sorted(found)
    cells, sizes = np.unique(np.stack([gold, *(found[name] for name in names)], axis=1), axis=0, return_counts=True)
    indicators = {name: _confusion_of_cells(cells[:, 0], cells[:, column], classes) for column, name in enumerate(names, start=1)}
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    for size in _chunks(resamples, max(len(cells), classes * classes)):
        drawn = rng.multinomial(len(gold), sizes / len(gold), size=size)
        for name, indicator in indicators.items():
            counts = (indicator @ drawn.T).T.reshape(size, classes, classes)
            parts[name].append(METRICS[metric](counts))
    return {name: np.concatenate(parts[name]) for name in found}


def _confusion_of_cells(gold: NDArray[np.int64], found: NDArray[np.int64], classes: int) -> csr_array:
    """A sparse (K * K, cells) matrix that sums counts of cells (cells,) to a flat confusion matrix."""
    columns = np.arange(len(gold))
    return csr_array((np.ones(len(gold), dtype=np.int64), (gold * classes + found, columns)), shape=(classes * classes, len(gold)))


def _chunks(resamples: int, width: int) -> Iterator[int]:
    """Sizes that add up to `resamples`, each small enough that (size, width) numbers fit well in memory."""
    step = max(1, _NUMBERS_AT_ONCE // width)
    for start in range(0, resamples, step):
        yield min(step, resamples - start)
