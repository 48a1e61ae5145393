"""The paired bootstrap: how far a difference between two models could be luck of the test rows (Efron and Tibshirani 1993, ch. 13).

All models of a task are judged on the same resampled rows, so their differences are paired. Resampling N rows with replacement and
counting them by what matters to a metric, the cell (gold label, what model 1 found, what model 2 found ...), gives multinomial counts
with the cells' shares as probabilities. So we draw those counts at once for all resamples: the same distribution as drawing rows,
at a cost that follows the cells, which are few where labels are classes, and not the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy.sparse import csr_array

from mtl_models.tasks.scores.scores import Scores

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
    gold: NDArray[Any],
    answers: Mapping[str, NDArray[Any]],
    scores: Scores,
    metric: str,
    resamples: int,
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    """Model -> its metric on each of R resampled test splits (R,), the same splits for all models.

    `gold` and each of `answers` are of one shape, (N,) or (N, K), objects on words, as `scores` judges them; `metric` is one of theirs.
    The difference of two of the results is the paired bootstrap of their difference.
    """
    names = sorted(answers)
    if gold.dtype == object:  # annotations: hardly two texts have the same
        first, sizes = np.arange(len(gold)), np.ones(len(gold), dtype=np.int64)
    else:
        rows = np.stack([gold, *(answers[name] for name in names)], axis=1).reshape(len(gold), -1)
        _, first, sizes = np.unique(rows, axis=0, return_index=True, return_counts=True)
    indicators = {name: csr_array(scores.parts(gold[first], answers[name][first]).T) for name in names}
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    for size in _chunks(resamples, max(len(first), *(indicator.shape[0] for indicator in indicators.values()))):
        drawn = rng.multinomial(len(gold), sizes / len(gold), size=size)
        for name, indicator in indicators.items():
            parts[name].append(scores.metrics[metric]((indicator @ drawn.T).T))
    return {name: np.concatenate(parts[name]) for name in answers}


def _chunks(resamples: int, width: int) -> Iterator[int]:
    """Sizes that add up to `resamples`, each small enough that (size, width) numbers fit well in memory."""
    step = max(1, _NUMBERS_AT_ONCE // width)
    for start in range(0, resamples, step):
        yield min(step, resamples - start)
