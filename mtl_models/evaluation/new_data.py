"""The rows of a corpus that are new to a champion, held against those it was trained on."""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np
from numpy.typing import NDArray

from mtl_models.config.drift import Drift
from mtl_models.corpora.annotations import as_objects, renumbered
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.fresh import new_rows
from mtl_models.corpora.keys import Keys
from mtl_models.errors import CorpusError
from mtl_models.evaluation.drift import Side, measure_drift, side_of
from mtl_models.evaluation.drift_report import TaskDrift
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary

__all__ = ["drift_of_new_rows"]


def drift_of_new_rows(
    task: Task, vocabulary: Vocabulary, trained: Corpus, now: Corpus, known: Keys, limits: Drift, seed: int
) -> TaskDrift | None:
    """The four measures of `drift` for the rows of `now` whose text is not among `known`, against the train rows of `trained`.

    Labels are gold labels on either side. None where fewer rows are new than `limits.min_texts`. `CorpusError` where the labels of either
    corpus are not those of `task`.
    """
    chosen = new_rows(now, known)
    if sum(int(which.sum()) for which in chosen.values()) < limits.min_texts:
        return None
    texts = [text for split, which in chosen.items() for text in _texts(now.splits[split], np.flatnonzero(which))]
    labels = np.concatenate([now.gold(split)[which] for split, which in chosen.items()])
    if len(texts) > limits.sample:
        drawn = np.sort(np.random.default_rng(seed).choice(len(texts), limits.sample, replace=False))
        texts = [texts[place] for place in drawn]
    before = side_of(trained, limits, seed)
    of_task = Side(before.texts, before.held_out, _in_order(before.labels, trained, task))
    return measure_drift(task, vocabulary, of_task, Side(texts, texts, _in_order(labels, now, task)), limits, seed)


def _texts(rows: datasets.Dataset, places: NDArray[np.int64]) -> list[str]:
    found: list[str] = rows.select_columns(["text"]).with_format("arrow")[places.tolist()]["text"].to_pylist() if places.size else []
    return found


def _in_order(gold: NDArray[Any], corpus: Corpus, task: Task) -> NDArray[Any]:
    """Labels of a corpus as the task numbers them."""
    if task.kind == "rating" or corpus.labels == task.labels:
        return gold
    if set(corpus.labels) != set(task.labels):
        raise CorpusError(f"task '{task.name}': the model's labels are {', '.join(task.labels)}, the corpus has {', '.join(corpus.labels)}")
    if task.on_words:
        return as_objects([renumbered(rows, corpus.kind, corpus.labels, task.labels) for rows in gold])
    if gold.ndim == 2:
        return np.asarray(gold[:, [corpus.labels.index(label) for label in task.labels]])
    return np.asarray(np.array([task.labels.index(label) for label in corpus.labels])[gold])
