"""What all kinds share in being judged, and which scores belong to a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mtl_models.tasks.missing import present
from mtl_models.tasks.scores.classes import ClassScores, OrderedScores
from mtl_models.tasks.scores.clusters import ClusterScores
from mtl_models.tasks.scores.label_sets import LabelSetScores
from mtl_models.tasks.scores.ratings import RatingScores
from mtl_models.tasks.scores.relations import RelationScores
from mtl_models.tasks.scores.spans import SpanScores

__all__ = ["EVERY_KIND", "Scores", "scores_of", "shown_metric", "values"]

EVERY_KIND = ("accuracy", "macro_f1", "mcc")
"""Metrics that every kind has, so that stopping, comparisons and the gate can ask for one over tasks of different kinds."""

_STANDS_FOR_ALL: Mapping[str, str] = {"rating": "pearson", "tagging": "f1", "mentions": "f1", "relations": "f1", "coreference": "conll"}


class Scores(Protocol):
    """How answers are judged. Every metric is a function of S sums over rows, so resampled splits are judged thousands at once."""

    @property
    def metrics(self) -> Mapping[str, Callable[[NDArray[Any]], NDArray[np.float64]]]:
        """Name -> function from sums (..., S) to values (...)."""

    def answers(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """The answer to each of N rows, in the shape of the gold labels; `probabilities` (N, K)."""

    def parts(self, gold: NDArray[Any], answers: NDArray[Any]) -> csr_array:
        """What each of N rows adds to the sums, (N, S)."""


def scores_of(kind: str, classes: int) -> Scores:
    """The scores of a kind for `classes` labels."""
    makers: Mapping[str, Callable[[int], Scores]] = {
        "single_label": ClassScores,
        "ordinal": OrderedScores,
        "multi_label": LabelSetScores,
        "rating": RatingScores,
        "tagging": SpanScores,
        "mentions": SpanScores,
        "relations": RelationScores,
        "coreference": ClusterScores,
    }
    return makers[kind](classes)


def shown_metric(kind: str, metric: str) -> str:
    """The measure that stands for `metric` where tasks are compared, and one of `kind` has none of that name.

    Ratings have no classes, so it is their correlation; annotations are right or not as a whole, so it is their F1; clusters have a mean.
    """
    return _STANDS_FOR_ALL.get(kind, metric) if metric in EVERY_KIND else metric


def values(scores: Scores, gold: NDArray[Any], probabilities: NDArray[Any]) -> dict[str, float]:
    """Every metric over the rows that have a label, `gold` (N,) or (N, K); NaN where none has.

    Where labels lie on words both are object arrays (N,) of annotations.
    """
    there = present(gold)
    rows = there if there.ndim == 1 else there.any(axis=1)
    if not rows.any():
        return dict.fromkeys(scores.metrics, float("nan"))
    sums = scores.parts(gold[rows], scores.answers(probabilities[rows])).sum(axis=0)
    return {name: float(metric(np.asarray(sums))) for name, metric in scores.metrics.items()}
