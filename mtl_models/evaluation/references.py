"""TF-IDF and logistic regression: what a user would pick instead of a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import regex
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from mtl_models.config.judging import Reference
from mtl_models.corpora.corpus import Corpus, Split
from mtl_models.errors import CorpusError
from mtl_models.evaluation.predictions import Predictions, split_columns

__all__ = ["train_pooled_reference", "train_single_reference"]

_WORDS = regex.compile(r"[\p{L}\p{M}\p{N}]+")
"""Letters with their combining signs, unlike scikit-learn's pattern, which cuts a Hindi word at its vowel signs."""

_MOST_ITERATIONS = 2000


def train_single_reference(corpus: Corpus, config: Reference, seed: int, split: Split = "test") -> Predictions:
    """One model for one task, on its train split; its predictions on `split`. Equal arguments, equal predictions."""
    return train_pooled_reference([corpus], config, seed, split)[corpus.task]


def train_pooled_reference(corpora: Sequence[Corpus], config: Reference, seed: int, split: Split = "test") -> dict[str, Predictions]:
    """One model per set of labels, on the train splits of all tasks that have it; task -> predictions on its `split`.

    A task whose labels no other task has gets the same model as `train_single_reference` gives.
    """
    groups: dict[frozenset[str], list[Corpus]] = {}
    for corpus in corpora:
        groups.setdefault(frozenset(corpus.labels), []).append(corpus)
    found: dict[str, Predictions] = {}
    for group in groups.values():
        found |= _train_group(group, config, seed, split)
    return {corpus.task: found[corpus.task] for corpus in corpora}


def _train_group(corpora: Sequence[Corpus], config: Reference, seed: int, split: Split) -> dict[str, Predictions]:
    tasks = ", ".join(corpus.task for corpus in corpora)
    texts: list[str] = []
    labels: list[str] = []
    for corpus in corpora:
        _, its_texts, gold = split_columns(corpus, "train")
        texts += its_texts
        labels += [corpus.labels[k] for k in gold]
    if len(set(labels)) < 2:
        raise CorpusError(f"task {tasks}: the train split has the labels {sorted(set(labels))} only; a reference needs two or more")
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
        model = LogisticRegression(C=config.c, max_iter=_MOST_ITERATIONS, random_state=seed).fit(features, labels)
    return {corpus.task: _predict(words, model, corpus, split) for corpus in corpora}


def _words(text: str) -> list[str]:
    found: list[str] = _WORDS.findall(text)
    return found


def _predict(words: TfidfVectorizer, model: LogisticRegression, corpus: Corpus, split: Split) -> Predictions:
    ids, texts, gold = split_columns(corpus, split)
    spread = np.zeros((len(texts), len(corpus.labels)))
    if texts:
        spread[:, _columns(model.classes_, corpus.labels)] = model.predict_proba(words.transform(texts))
    return Predictions(corpus.task, corpus.labels, tuple(ids), gold, spread)


def _columns(known: Iterable[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Where the classes that the model met in training stand among the task's labels."""
    return np.array([labels.index(str(label)) for label in known], dtype=np.int64)
