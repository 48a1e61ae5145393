"""The measures of one model on one task."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from mtl_models.corpora.annotations import on_words
from mtl_models.evaluation.predictions import Predictions
from mtl_models.tasks.scores.calibration import CALIBRATION_BINS, calibration_error
from mtl_models.tasks.scores.label_sets import label_counts
from mtl_models.tasks.scores.scores import EVERY_KIND, values

__all__ = ["CALIBRATION_BINS", "ClassMeasures", "TaskMeasures", "calibration_error", "measure"]


class ClassMeasures(BaseModel):
    """One class against the rest; 0 where a share has nothing to count."""

    precision: float
    recall: float
    f1: float
    support: int
    """Rows whose gold label it is."""


class TaskMeasures(BaseModel):
    """One model on the rows of one task's split. A rating has no classes, and none of the measures that need
    them; labels on words have those of their kind, in `more`, and their types as classes."""

    kind: str = "single_label"
    rows: int
    accuracy: float | None
    """Share of rows answered rightly; of several labels, with all of them right."""
    macro_f1: float | None
    """Mean F1 over all labels, one that is neither there nor found counting 0."""
    mcc: float | None
    """Matthews correlation, in [-1, 1]; of several labels, the mean over them."""
    calibration_error: float | None
    """Expected calibration error, in [0, 1]."""
    more: dict[str, float] = {}
    """Measures of the kind alone: micro_f1; rank_error and quadratic_kappa; pearson, mae and rmse; f1, precision and recall; conll and what
    it is the mean of."""
    labels: tuple[str, ...]
    confusion: list[list[int]]
    """Rows counted by gold label (outer list) and found label (inner). Of several labels: for each, the rows with neither, found only,
    gold only, both. Empty for a rating, and for labels on words."""
    classes: dict[str, ClassMeasures]
    """Label -> its measures."""

    def value(self, name: str) -> float | None:
        """Any measure by its name, None where the kind has no such."""
        found: float | None = self.more.get(name, getattr(self, name, None))
        return found


def measure(predictions: Predictions) -> TaskMeasures:
    """Every measure of one model on one task."""
    scores = predictions.scores
    found = values(scores, predictions.gold, predictions.probabilities)
    plain = predictions.kind != "rating" and not on_words(predictions.kind)
    sums = np.asarray(scores.parts(predictions.gold, predictions.found).sum(axis=0))
    classes = len(predictions.labels)
    binary = np.zeros((0, 2, 2), dtype=np.int64)
    confusion: list[list[int]] = []
    if predictions.kind == "multi_label":
        binary = label_counts(sums, classes)
        confusion = binary.reshape(classes, 4).tolist()
    elif predictions.kind in _TYPED:
        binary = _of_types(sums.reshape(3, classes))
    elif plain:
        counts = sums.reshape(classes, classes)
        binary, confusion = _each_against_the_rest(counts), counts.tolist()
    return TaskMeasures(
        kind=predictions.kind,
        rows=len(predictions.ids),
        accuracy=found["accuracy"] if plain else None,
        macro_f1=found["macro_f1"] if plain else None,
        mcc=found["mcc"] if plain else None,
        calibration_error=calibration_error(predictions.gold, predictions.probabilities) if plain else None,
        more={name: value for name, value in found.items() if name not in EVERY_KIND},
        labels=predictions.labels,
        confusion=confusion,
        classes={label: _class_measures(binary[k]) for k, label in enumerate(predictions.labels)} if len(binary) else {},
    )


_TYPED = ("tagging", "mentions", "relations")
"""Kinds on words whose sums count by type."""


def _of_types(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Right, gold and found annotations (3, K) -> binary counts (K, 2, 2); nobody counts what rightly was not found."""
    right, gold, found = counts
    return np.stack([np.zeros_like(right), found - right, gold - right, right], axis=1).reshape(-1, 2, 2)


def _each_against_the_rest(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Confusion counts (K, K) -> binary ones of every class (K, 2, 2)."""
    hits, there, found = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    return np.stack([counts.sum() - there - found + hits, found - hits, there - hits, hits], axis=1).reshape(-1, 2, 2)


def _class_measures(counts: NDArray[np.int64]) -> ClassMeasures:
    """From the binary counts (2, 2) of a class."""
    (_, wrong), (missed, hits) = counts.tolist()
    return ClassMeasures(
        precision=hits / max(hits + wrong, 1),
        recall=hits / max(hits + missed, 1),
        f1=2 * hits / max(2 * hits + wrong + missed, 1),
        support=hits + missed,
    )
