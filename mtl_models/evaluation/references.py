"""TF-IDF and logistic regression (ridge regression for ratings): what a user would pick instead of a network.

Where labels lie on words it is `dictionary`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from mtl_models.config.judging import Reference
from mtl_models.corpora.annotations import on_words
from mtl_models.corpora.corpus import Corpus, Split
from mtl_models.errors import CorpusError
from mtl_models.evaluation.dictionary import train_dictionary
from mtl_models.evaluation.predictions import Predictions, split_columns
from mtl_models.tasks.missing import MISSING

__all__ = ["train_pooled_reference", "train_single_reference"]

_WORDS = regex.compile(r"[\p{L}\p{M}\p{N}]+")
"""Letters with their combining signs, unlike scikit-learn's pattern, which cuts a Hindi word at its vowel signs."""

_MOST_ITERATIONS = 2000

_Answer = Callable[[Any], NDArray[np.float64]]
"""TF-IDF features of N texts -> probabilities (N, K)."""


def train_single_reference(corpus: Corpus, config: Reference, seed: int, split: Split = "test") -> Predictions:
    """One model for one task, on its train split; its predictions on `split`. Equal arguments, equal predictions."""
    return train_pooled_reference([corpus], config, seed, split)[corpus.task]


def train_pooled_reference(corpora: Sequence[Corpus], config: Reference, seed: int, split: Split = "test") -> dict[str, Predictions]:
    """One model per kind and set of labels, on the train splits of all tasks that have it; task -> predictions on its `split`.

    A task whose labels no other task has gets the same model as `train_single_reference` gives.
    """
    groups: dict[tuple[str, frozenset[str]], list[Corpus]] = {}
    for corpus in corpora:
        groups.setdefault((corpus.kind, frozenset(corpus.labels)), []).append(corpus)
    found: dict[str, Predictions] = {}
    for group in groups.values():
        found |= train_dictionary(group, split) if on_words(group[0].kind) else _train_group(group, config, seed, split)
    return {corpus.task: found[corpus.task] for corpus in corpora}


def _train_group(corpora: Sequence[Corpus], config: Reference, seed: int, split: Split) -> dict[str, Predictions]:
    tasks = ", ".join(corpus.task for corpus in corpora)
    texts: list[str] = []
    golds: list[NDArray[Any]] = []
    labels = corpora[0].labels
    for corpus in corpora:
        _, its_texts, gold = split_columns(corpus, "train")
        texts += its_texts
        golds.append(_in_order_of(labels, corpus, gold))
    gold = np.concatenate(golds)
    if corpora[0].kind in ("single_label", "ordinal") and len(np.unique(gold)) < 2:
        raise CorpusError(
            f"task {tasks}: the train split has the labels {[labels[k] for k in set(gold)]} only; a reference needs two or more"
        )
    words = TfidfVectorizer(
        tokenizer=_words, token_pattern=None, ngram_range=(1, config.max_ngram), min_df=config.min_df, sublinear_tf=True
    )
    try:
        features = words.fit_transform(texts)
    except ValueError:  # all it raises for texts that are strings: nothing is left to count
        raise CorpusError(
            f"task {tasks}: no n-gram is in {config.min_df} of the {len(texts)} train texts; lower reference.min_df"
        ) from None
    with threadpool_limits(1):  # sums in one order, whatever the number of cores; more threads do not help sparse rows anyway
        answer = _TRAINERS[corpora[0].kind](features, gold, labels, config, seed)
    return {corpus.task: _predict(words, answer, labels, corpus, split) for corpus in corpora}


def _in_order_of(labels: tuple[str, ...], corpus: Corpus, gold: NDArray[Any]) -> NDArray[Any]:
    """Gold labels of a corpus whose labels may stand in another order, in the order of `labels`."""
    if corpus.kind == "rating":
        return gold
    if corpus.kind == "multi_label":
        return gold[:, [corpus.labels.index(label) for label in labels]]
    return np.asarray(np.array([labels.index(label) for label in corpus.labels])[gold])


def _train_classes(features: Any, gold: NDArray[Any], labels: tuple[str, ...], config: Reference, seed: int) -> _Answer:
    """One class per text: multinomial logistic regression."""
    model = _regression(config, seed).fit(features, gold)

    def answer(rows: Any) -> NDArray[np.float64]:
        spread = np.zeros((rows.shape[0], len(labels)))
        spread[:, model.classes_] = model.predict_proba(rows)
        return spread

    return answer


def _train_label_sets(features: Any, gold: NDArray[Any], labels: tuple[str, ...], config: Reference, seed: int) -> _Answer:
    """One logistic regression per label, on the rows where it is known; a label that all of them have, or none, is always that."""
    models: list[LogisticRegression | float] = []
    for column in range(len(labels)):
        known = np.flatnonzero(gold[:, column] != MISSING)
        has = gold[known, column]
        always = float(has.mean()) if len(has) else 0.0
        models.append(always if always in (0.0, 1.0) else _regression(config, seed).fit(features[known], has))

    def answer(rows: Any) -> NDArray[np.float64]:
        spread = [np.full(rows.shape[0], m) if isinstance(m, float) else m.predict_proba(rows)[:, 1] for m in models]
        return np.stack(spread, axis=1)

    return answer


def _train_ratings(features: Any, gold: NDArray[Any], labels: tuple[str, ...], config: Reference, seed: int) -> _Answer:  # noqa: ARG001
    """Ridge regression."""
    model = Ridge(alpha=1.0 / config.c, solver="sparse_cg", tol=1e-6, random_state=seed).fit(features, gold)
    return lambda rows: model.predict(rows)[:, None]


def _regression(config: Reference, seed: int) -> LogisticRegression:
    return LogisticRegression(C=config.c, max_iter=_MOST_ITERATIONS, random_state=seed)


_TRAINERS = {
    "single_label": _train_classes,
    "ordinal": _train_classes,
    "multi_label": _train_label_sets,
    "rating": _train_ratings,
}


def _words(text: str) -> list[str]:
    found: list[str] = _WORDS.findall(text)
    return found


def _predict(words: TfidfVectorizer, answer: _Answer, labels: tuple[str, ...], corpus: Corpus, split: Split) -> Predictions:
    ids, texts, gold = split_columns(corpus, split)
    spread = answer(words.transform(texts)) if texts else np.zeros((0, len(labels)))
    columns = [labels.index(label) for label in corpus.labels]
    return Predictions(corpus.task, corpus.labels, tuple(ids), gold, spread[:, columns], corpus.kind)
