"""A task as a value: what a network needs to know to carry a head for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mtl_models.config.augmentation import Augmentation
from mtl_models.config.experiment import ON_WORDS, TaskSettings
from mtl_models.config.text import TextOptions
from mtl_models.errors import ConfigError

if TYPE_CHECKING:  # to answer texts, no library of data sets is needed
    from mtl_models.corpora.corpus import Corpus

__all__ = ["DEEPEST", "Task"]

DEEPEST = 6
"""Layers of spans within spans that are learnt; those below are not found."""


@dataclass(frozen=True)
class Task:
    """One task of a model.

    `labels` are the class names in the order of the logits (of a rating: its column); `vocabulary` names the group whose token ids its
    texts use; `text` says how its texts are normalised. `class_weights` (one per label) and `label_smoothing` belong to the training
    loss; `mean` and `deviation` are those of the ratings it is trained on; `temperature` divides its logits where it is calibrated;
    `augmentation` says which altered copies of its train rows it is trained on. `depth` is how many spans lie on one word of its train
    split, up to `DEEPEST`; `singletons` says whether that has clusters of a single mention.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    vocabulary: str = "shared"
    text: TextOptions = field(default_factory=TextOptions)
    description: str = ""
    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    mean: float = 0.0
    deviation: float = 1.0
    temperature: float = 1.0
    augmentation: Augmentation | None = None
    depth: int = 1
    singletons: bool = False

    @property
    def on_words(self) -> bool:
        """Whether its labels lie on words, and not on the text as a whole."""
        return self.kind in ON_WORDS

    @classmethod
    def of(cls, settings: TaskSettings, corpus: Corpus) -> Task:
        """The task that an experiment describes, with the labels its corpus has and what training takes from its train split.

        `ConfigError` for weights of labels that the corpus does not have.
        """
        mean, deviation = _moments(corpus) if settings.kind == "rating" else (0.0, 1.0)
        return cls(
            corpus.task,
            settings.kind,
            corpus.labels,
            settings.vocabulary,
            settings.text,
            settings.description,
            _class_weights(settings, corpus),
            settings.label_smoothing,
            mean,
            deviation,
            augmentation=settings.augmentation,
            depth=_depth(corpus) if settings.kind == "mentions" else 1,
            singletons=settings.kind == "coreference" and _has_singletons(corpus),
        )


def _class_weights(settings: TaskSettings, corpus: Corpus) -> tuple[float, ...] | None:
    """A weight per label: as configured; or balanced, n / (K n_k) of n rows, and of several labels the rows without it per row with it."""
    if settings.class_weights == "none":
        return None
    if isinstance(settings.class_weights, dict):
        for name in settings.class_weights:
            if name not in corpus.labels:
                raise ConfigError(
                    f"tasks.{corpus.task}.class_weights: there is no label '{name}'; the labels are {', '.join(corpus.labels)}"
                )
        return tuple(settings.class_weights.get(name, 1.0) for name in corpus.labels)
    counts = np.maximum(corpus.class_counts("train"), 1)
    if settings.kind == "multi_label":
        without = np.maximum((corpus.gold("train") == 0).sum(axis=0), 1)
        return tuple((without / counts).tolist())
    return tuple((counts.sum() / (len(counts) * counts)).tolist())


def _moments(corpus: Corpus) -> tuple[float, float]:
    """Mean and standard deviation of the train split's ratings; a deviation of 1 where they are all one."""
    ratings = corpus.gold("train")
    if not len(ratings):
        return 0.0, 1.0
    return float(ratings.mean()), float(ratings.std()) or 1.0


def _depth(corpus: Corpus) -> int:
    """Most spans that lie on one word of the train split; at least 1, at most `DEEPEST`."""
    deepest = 1
    for spans in corpus.gold("train"):
        if len(spans):
            borders = np.zeros(int(spans[:, 1].max()) + 1, dtype=np.int64)
            np.add.at(borders, spans[:, 0], 1)
            np.add.at(borders, spans[:, 1], -1)
            deepest = max(deepest, int(borders.cumsum().max()))
    return min(deepest, DEEPEST)


def _has_singletons(corpus: Corpus) -> bool:
    """Whether a cluster of the train split has a single mention."""
    return any((np.bincount(mentions[:, 2]) == 1).any() for mentions in corpus.gold("train") if len(mentions))
