"""Can a simple classifier tell two sets of texts apart? Where it can, a model trained on one is on strange ground with the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import regex
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from mtl_models.corpora.keys import text_keys

__all__ = ["auc_of", "domain_scores"]

_WORDS = regex.compile(r"[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]")
_FOLDS = 5
_HASHES = 1 << 16


def domain_scores(trained: Sequence[str], new: Sequence[str], seed: int) -> NDArray[np.float64] | None:
    """For every text, `trained` ones first, the probability that it is a new one (N,), given by a model that has not seen it.

    TF-IDF of words and logistic regression, cross-validated (Rabanser et al. 2019, the domain classifier). Texts that say the same are in
    one fold: copies within a side would be recognised, and copies on both sides be told apart by where their twin is. None where either
    side has fewer different texts than there are folds.
    """
    texts = [*trained, *new]
    side = np.repeat([0, 1], [len(trained), len(new)])
    groups = text_keys(texts)
    if min(len(np.unique(groups[side == which])) for which in (0, 1)) < _FOLDS:
        return None
    # Hashed, so that texts are split into words once and nothing is learned from a fold that is held out.
    words = HashingVectorizer(tokenizer=_WORDS.findall, token_pattern=None, n_features=_HASHES, alternate_sign=False, norm=None)
    model = make_pipeline(
        TfidfTransformer(sublinear_tf=True), LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000, random_state=seed)
    )
    folds = PredefinedSplit(_deal(groups, side, seed))
    with threadpool_limits(1):  # sums in one order, whatever the number of cores
        found = cross_val_predict(model, words.transform(texts), side, cv=folds, method="predict_proba")
    return np.asarray(found[:, 1])


def _deal(groups: NDArray[np.uint64], side: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The fold of every text (N,): groups stay whole, and each side has its share in every fold."""
    unique, first, place = np.unique(groups, return_index=True, return_inverse=True)
    fold = np.empty(len(unique), dtype=np.int64)
    fold[np.lexsort((np.random.default_rng(seed).random(len(unique)), side[first]))] = np.arange(len(unique)) % _FOLDS
    return np.asarray(fold[place])


def auc_of(trained: NDArray[np.float64], new: NDArray[np.float64]) -> float:
    """The chance that a new text scores higher than a trained one, ties counted half."""
    return float(roc_auc_score(np.repeat([0, 1], [len(trained), len(new)]), np.concatenate([trained, new])))
