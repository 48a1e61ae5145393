"""Scores of relations: precision, recall and F1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_models.tasks.scores.spans import SpanScores

__all__ = ["RelationScores"]


class RelationScores(SpanScores):
    """A relation counts when the last words of its head and its tail and its type are right (Sanh, Wolf and Ruder 2019, section 4.2)."""

    def _judged(self, annotations: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(annotations[:, [1, 3, 4]])
