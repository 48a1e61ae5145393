"""Drift: how far new texts are from those a task was trained on, in four measures, each with its limit and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import datasets
import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from mtl_models.config.drift import Drift
from mtl_models.corpora.annotations import type_counts
from mtl_models.corpora.corpus import Corpus
from mtl_models.evaluation.domain import auc_of, domain_scores
from mtl_models.evaluation.drift_report import Measure, Picture, TaskDrift
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import Vocabulary
from mtl_models.text.words import places_of_words

__all__ = ["Side", "as_in_training", "measure_drift", "sampled", "side_of"]

_TENTHS = np.linspace(0.0, 1.0, 11)
_SHARES = np.array([0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 1.0])
"""Bins of the share of unknown words in a text, finer where texts usually are."""


@dataclass(frozen=True)
class Side:
    """Texts to compare. `labels` are answers or gold labels in the form of `Corpus.gold`, of any rows, not only of `texts`.

    `held_out` are texts that no vocabulary was counted on, for the share of unknown words: on its own train texts a vocabulary knows more.
    """

    texts: Sequence[str]
    held_out: Sequence[str]
    labels: NDArray[Any]


def side_of(corpus: Corpus, limits: Drift, seed: int) -> Side:
    """What a task was trained on: a sample of its train texts, held-out texts where it has any, and the labels of all its train rows."""
    texts = sampled(corpus.splits["train"], limits.sample, seed)
    held_out = [text for split in ("dev", "test") for text in sampled(corpus.splits[split], limits.sample // 2, seed)]
    return Side(texts, held_out or texts, corpus.gold("train"))


def sampled(rows: datasets.Dataset, most: int, seed: int) -> list[str]:
    """The texts of `most` rows, drawn by seed and in their order; of all rows where there are no more."""
    drawn = range(len(rows)) if len(rows) <= most else np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False))
    texts: list[str] = rows.select_columns(["text"]).with_format("arrow")[list(drawn)]["text"].to_pylist()
    return texts


def as_in_training(task: Task, texts: Sequence[str]) -> list[str]:
    """Texts as people write them in the form of the task's corpus: where labels lie on words, the words with a space between."""
    if not task.on_words:
        return [*texts]
    return [" ".join(text[start:end] for start, end in places_of_words(text)) for text in texts]


def measure_drift(task: Task, vocabulary: Vocabulary, trained: Side, new: Side, limits: Drift, seed: int) -> TaskDrift:
    """Length (in words), unknown words, labels and domain of the `new` side against the `trained` one; see docs/batch-prediction.md."""
    texts = [vocabulary.encode(texts, task.text) for texts in (trained.texts, new.texts)]
    lengths = [np.array([len(ids) for ids in side]) for side in texts]
    known = vocabulary.encode(trained.held_out, task.text), texts[1]
    unknown = [np.array([ids.count(vocabulary.unknown) / len(ids) for ids in side]) for side in known]
    measures = (
        _length(lengths[0], lengths[1], limits.length),
        _unknown_words(unknown[0], unknown[1], limits.unknown_words),
        _labels(task, trained.labels, new.labels, limits.labels),
        _domain(trained.texts, new.texts, limits.domain, seed),
    )
    return TaskDrift(task=task.name, trained=len(trained.texts), new=len(new.texts), measures=measures)


def _length(trained: NDArray[np.int64], new: NDArray[np.int64], limit: float) -> Measure:
    edges = 2 ** np.arange(0, max(int(trained.max()), int(new.max())).bit_length() + 1)
    bins = [str(low) if high - low == 1 else f"{low} to {high - 1}" for low, high in pairwise(edges)]
    return Measure(
        name="length",
        value=float(ks_2samp(trained, new).statistic),
        limit=limit,
        found=f"half of the texts have up to {np.median(new):.0f} words, in training {np.median(trained):.0f}",
        picture=_picture(bins, edges, trained, new),
    )


def _unknown_words(trained: NDArray[np.float64], new: NDArray[np.float64], limit: float) -> Measure:
    bins = [f"{low:.0%} to {high:.0%}" for low, high in pairwise(_SHARES)]
    return Measure(
        name="unknown_words",
        value=float(new.mean() - trained.mean()),
        limit=limit,
        found=f"{new.mean():.1%} of a text's words are unknown, {trained.mean():.1%} in held-out texts of the corpus",
        picture=_picture(bins, _SHARES, trained, new),
    )


def _labels(task: Task, trained: NDArray[Any], new: NDArray[Any], limit: float) -> Measure:
    if task.kind == "rating":
        return _ratings(trained, new, limit)
    if task.on_words:
        return _types(task, trained, new, limit)
    of_trained, of_new = (_shares(side, len(task.labels)) for side in (trained, new))
    gaps = np.abs(of_new - of_trained)
    # Of one label per row, half the sum is the least share of rows that must answer otherwise; labels that go together have no such sum.
    value = gaps.max() if task.kind == "multi_label" else gaps.sum() / 2.0
    most = int(gaps.argmax())
    return Measure(
        name="labels",
        value=float(value),
        limit=limit,
        found=f"{of_new[most]:.1%} are '{task.labels[most]}', {of_trained[most]:.1%} in training",
        picture=Picture(bins=task.labels, trained=tuple(of_trained.tolist()), new=tuple(of_new.tolist())),
    )


def _types(task: Task, trained: NDArray[Any], new: NDArray[Any], limit: float) -> Measure:
    """Of annotations, those of each type: half the sum of the differences is the least share that must be of another type."""
    if len(task.labels) == 1:
        return Measure(name="labels", value=None, limit=limit, found=f"there is one type alone, '{task.labels[0]}'")
    counts = [type_counts(side, task.kind, len(task.labels)).sum(axis=0) for side in (trained, new)]
    of_trained, of_new = (side / max(1, side.sum()) for side in counts)
    gaps = np.abs(of_new - of_trained)
    most = int(gaps.argmax())
    found = f"{of_new[most]:.1%} of what is marked is '{task.labels[most]}', {of_trained[most]:.1%} in training"
    return Measure(
        name="labels",
        value=float(gaps.sum() / 2.0) if counts[1].any() else 1.0,
        limit=limit,
        found=found if counts[1].any() else "nothing is marked in any text",
        picture=Picture(bins=task.labels, trained=tuple(of_trained.tolist()), new=tuple(of_new.tolist())),
    )


def _ratings(trained: NDArray[np.float64], new: NDArray[np.float64], limit: float) -> Measure:
    edges = np.unique(np.quantile(trained, _TENTHS))
    bins = [f"up to {high:.3g}" for high in edges[1:-1]] + ["above"]
    edges = np.array([-np.inf, *np.nextafter(edges[1:-1], np.inf), np.inf])  # a bin ends behind its name
    return Measure(
        name="labels",
        value=float(abs(new.mean() - trained.mean()) / (trained.std() or 1.0)),
        limit=limit,
        found=f"the mean is {new.mean():.2f}, {trained.mean():.2f} in training",
        picture=_picture(bins, edges, trained, new),
    )


def _domain(trained: Sequence[str], new: Sequence[str], limit: float, seed: int) -> Measure:
    scores = domain_scores(trained, new, seed)
    if scores is None:
        return Measure(name="domain", value=None, limit=limit, found="too few different texts to tell")
    of_trained, of_new = scores[: len(trained)], scores[len(trained) :]
    bins = [f"{low:.1f} to {high:.1f}" for low, high in pairwise(_TENTHS)]
    value = auc_of(of_trained, of_new)
    return Measure(
        name="domain",
        value=value,
        limit=limit,
        found=f"a classifier ranks a new text above a train text {value:.0%} of the times",
        picture=_picture(bins, _TENTHS, of_trained, of_new),
    )


def _shares(labels: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """The share of rows that have each label (K,)."""
    counts = (labels == 1).sum(axis=0) if labels.ndim == 2 else np.bincount(labels, minlength=classes)
    return np.asarray(counts / max(1, len(labels)))


def _picture(bins: Sequence[str], edges: NDArray[Any], trained: NDArray[Any], new: NDArray[Any]) -> Picture:
    shares = [np.histogram(side, edges)[0] / max(1, len(side)) for side in (trained, new)]
    return Picture(bins=tuple(bins), trained=tuple(shares[0].tolist()), new=tuple(shares[1].tolist()))
