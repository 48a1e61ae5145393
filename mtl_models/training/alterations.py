"""The altered copies of a task's train rows: what they are made with, and all that they depend on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mtl_models.config.augmentation import Augmentation
from mtl_models.corpora.corpus import Corpus
from mtl_models.corpora.sources import fetch, fingerprint
from mtl_models.tasks.task import Task
from mtl_models.text.augmentation import Augmenter, words_of
from mtl_models.text.vectors.neighbours import nearest_words
from mtl_models.training.encoder import Encoder

__all__ = ["Alteration", "alterations_of", "copies_depend_on"]

Alteration = Callable[[str, str], str]
"""A text and the id of its row -> the text, altered."""

_NEAREST, _LEAST = 5, 0.5
"""How many neighbours a synonym is drawn from, and their least cosine: a rare word's nearest may be far."""


def alterations_of(corpus: Corpus, vocabulary: Encoder, task: Task, seed: int) -> list[Alteration]:
    """One for every copy that the task wants; a row's copies depend on its text and id, and on no other row but for synonyms.

    Synonyms are words that `vocabulary` knows. Raises `CorpusError` or `VectorsError` where their vectors cannot be had.
    """
    section = task.augmentation
    if section is None:
        return []
    augmenter = Augmenter(section, _neighbours(section, corpus, vocabulary, task), seed)
    return [partial(_altered, augmenter, f"{task.name} {number}") for number in range(1, section.copies + 1)]


def copies_depend_on(section: Augmentation, seed: int) -> list[Any]:
    """All that decides the copies beside the rows and the vocabulary, as JSON."""
    vectors = None if section.vectors is None else fingerprint(section.vectors)
    return [section.model_dump(mode="json", exclude={"vectors"}), vectors, seed]


def _altered(augmenter: Augmenter, name: str, text: str, row: str) -> str:
    return augmenter.copy(text, f"{name} {row}")


def _neighbours(section: Augmentation, corpus: Corpus, vocabulary: Encoder, task: Task) -> dict[str, tuple[str, ...]]:
    if section.vectors is None:
        return {}

    def known(words: list[str]) -> list[bool]:
        return [vocabulary.unknown not in ids for ids in vocabulary.encode(words, task.text, None)]

    words = {word.lower() for text in corpus.texts("train") for word in words_of(text)}
    return nearest_words(fetch(section.vectors), words, known, _NEAREST, _LEAST)
