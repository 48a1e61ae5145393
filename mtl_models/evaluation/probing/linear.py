"""The probes: logistic regression on the vectors of texts, and on what needs no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from mtl_models.evaluation.probing.drawing import Probe

__all__ = ["BASELINES", "baseline_features", "linear_answers"]

_PENALTIES = [0.003, 0.03, 0.3]
"""C: the smaller, the more a probe is held back."""
_MOST_ITERATIONS = 1000
_INNER_PARTS = 4

BASELINES = ("length", "words")
"""How many words and characters a text has; which words are in it, in lower case."""


def linear_answers(features: Any, probe: Probe, seed: int) -> NDArray[np.int64]:
    """What a linear probe of `features` (N, F), dense or sparse, answers to the test rows of `probe`.

    How far it is held back is chosen on a quarter of its train rows, whole documents. Equal arguments, equal answers.
    """
    train = np.flatnonzero(~probe.test)
    parts = StratifiedGroupKFold(_INNER_PARTS, shuffle=True, random_state=seed)
    inner = [next(parts.split(train, probe.gold[train], probe.groups[train]))]
    scaler = StandardScaler() if isinstance(features, np.ndarray) else MaxAbsScaler()
    model = Pipeline([("scale", scaler), ("probe", LogisticRegression(max_iter=_MOST_ITERATIONS, random_state=seed))])
    penalties = _PENALTIES if isinstance(features, np.ndarray) else [10.0 * penalty for penalty in _PENALTIES]
    with threadpool_limits(1):  # sums in one order, whatever the number of cores
        search = GridSearchCV(model, {"probe__C": penalties}, cv=inner).fit(features[train], probe.gold[train])
        answers: NDArray[np.int64] = search.predict(features[np.flatnonzero(probe.test)])
    return answers


def baseline_features(texts: Sequence[str]) -> dict[str, Any]:
    """Baseline -> what it sees of N texts, (N, F)."""
    sizes = np.array([(len(text.split(" ")), len(text)) for text in texts], dtype=np.float64)
    words = CountVectorizer(analyzer=_words, binary=True, dtype=np.float64).fit_transform(texts)
    return dict(zip(BASELINES, (sizes, words), strict=True))


def _words(text: str) -> list[str]:
    return text.lower().split(" ")
