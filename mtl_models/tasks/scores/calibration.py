"""How far probabilities are from how often they are right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_models.tasks.missing import present
from mtl_models.tasks.scores.label_sets import THRESHOLD

__all__ = ["CALIBRATION_BINS", "calibration_error"]

CALIBRATION_BINS = 15


def calibration_error(gold: NDArray[Any], probabilities: NDArray[np.float64], bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error (Guo et al. 2017, eq. 3): how far the probability of the found class is from being right so often.

    Rows fall by that probability into `bins` intervals of equal width, (0, 1/bins] first; the gaps between mean confidence and
    accuracy are averaged with the intervals' shares of the N rows. `gold` (N,), or of several labels (N, K), where every label that is
    there is a row of its own, its answer yes or no; `probabilities` (N, K).
    """
    if gold.ndim == 2:
        there = present(gold)
        gold, yes = gold[there], probabilities[there]
        confidence, right = np.maximum(yes, 1.0 - yes), (yes >= THRESHOLD) == (gold == 1)
    else:
        confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(index, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / max(len(gold), 1))
