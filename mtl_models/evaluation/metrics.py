"""The measures of one model on one task."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from mtl_models.evaluation.confusion import accuracy, confusion_counts, f1, macro_f1, mcc
from mtl_models.evaluation.predictions import Predictions

__all__ = ["CALIBRATION_BINS", "ClassMeasures", "TaskMeasures", "calibration_error", "measure"]

CALIBRATION_BINS = 15


class ClassMeasures(BaseModel):
    """One class against the rest; 0 where a share has nothing to count."""

    precision: float
    recall: float
    f1: float
    support: int
    """Rows whose gold label it is."""


class TaskMeasures(BaseModel):
    """One model on the rows of one task's split."""

    rows: int
    accuracy: float
    macro_f1: float
    """Mean F1 over all classes, one that is neither there nor found counting 0."""
    mcc: float
    """Matthews correlation, in [-1, 1]."""
    calibration_error: float
    """Expected calibration error, in [0, 1]."""
    labels: tuple[str, ...]
    confusion: list[list[int]]
    """Rows counted by gold label (outer list) and found label (inner)."""
    classes: dict[str, ClassMeasures]
    """Label -> its measures."""


def measure(predictions: Predictions) -> TaskMeasures:
    """Every measure of one model on one task."""
    counts = confusion_counts(predictions.gold, predictions.found, len(predictions.labels))
    hits, there, found, scores = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0), f1(counts)
    return TaskMeasures(
        rows=len(predictions.ids),
        accuracy=float(accuracy(counts)),
        macro_f1=float(macro_f1(counts)),
        mcc=float(mcc(counts)),
        calibration_error=calibration_error(predictions.gold, predictions.probabilities),
        labels=predictions.labels,
        confusion=counts.tolist(),
        classes={
            label: ClassMeasures(
                precision=float(hits[k] / max(found[k], 1)),
                recall=float(hits[k] / max(there[k], 1)),
                f1=float(scores[k]),
                support=int(there[k]),
            )
            for k, label in enumerate(predictions.labels)
        },
    )


def calibration_error(gold: NDArray[np.int64], probabilities: NDArray[np.float64], bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error (Guo et al. 2017, eq. 3): how far the probability of the found class is from being right so often.

    Rows fall by that probability into `bins` intervals of equal width, (0, 1/bins] first; the gaps between mean confidence and
    accuracy are averaged with the intervals' shares of the N rows. `gold` (N,), `probabilities` (N, K).
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(index, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(gold))
