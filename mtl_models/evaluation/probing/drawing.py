"""From what a rule finds to the rows of a probe: held apart by document, classes of equal size, all drawn with a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl_models.evaluation.probing.rules import Example
from mtl_models.evaluation.probing.sentences import Sentence

__all__ = ["Probe", "TooFewError", "documents", "draw", "held_apart"]

TEST_SHARE = 0.3
LEAST_TRAIN, LEAST_TEST = 20, 10
"""Rows of a class; a smaller one is left out."""
_FEWEST_DOCUMENTS = 10


class TooFewError(ValueError):
    """The sentences have fewer than two classes of a size to learn from."""


@dataclass(frozen=True)
class Probe:
    """The rows of one probing task: `texts`, their classes `gold` (N,), which of them are for testing (N,), and their documents (N,)."""

    texts: tuple[str, ...]
    classes: tuple[str, ...]
    gold: NDArray[np.int64]
    test: NDArray[np.bool_]
    groups: NDArray[np.int64]


def documents(sentences: Sequence[Sentence]) -> NDArray[np.int64]:
    """The number (N,) of the document of every sentence; where there are fewer than ten documents every sentence is one."""
    names, numbers = np.unique(np.array([sentence.group for sentence in sentences]), return_inverse=True)
    found: NDArray[np.int64] = numbers if len(names) >= _FEWEST_DOCUMENTS else np.arange(len(sentences))
    return found


def held_apart(groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which sentences (N,) are for testing: those of whole documents, drawn until they are three tenths."""
    names, sizes = np.unique(groups, return_counts=True)
    order = rng.permutation(len(names))
    before = np.cumsum(sizes[order]) - sizes[order]
    found: NDArray[np.bool_] = np.isin(groups, names[order[before < TEST_SHARE * len(groups)]])
    return found


def draw(examples: Sequence[Example], groups: NDArray[np.int64], test: NDArray[np.bool_], rows: int, rng: np.random.Generator) -> Probe:
    """At most `rows` rows, in each part equally many of every class. Raises `TooFewError`."""
    labels = np.array([example.label for example in examples], dtype=object)
    for_test = test[[example.sentence for example in examples]] if examples else np.empty(0, dtype=bool)
    classes = [
        name
        for name in dict.fromkeys(labels.tolist())
        if np.count_nonzero((labels == name) & ~for_test) >= LEAST_TRAIN and np.count_nonzero((labels == name) & for_test) >= LEAST_TEST
    ]
    if len(classes) < 2:
        raise TooFewError(
            f"the sentences give {len(examples):,} rows, and fewer than two classes with {LEAST_TRAIN} for training "
            f"and {LEAST_TEST} for testing"
        )
    classes.sort(key=_by_number)
    chosen: list[int] = []
    for part, share in ((~for_test, 1.0 - TEST_SHARE), (for_test, TEST_SHARE)):
        of_class = [np.flatnonzero((labels == name) & part) for name in classes]
        size = min(int(rows * share / len(classes)), *(len(found) for found in of_class))
        chosen += [place for found in of_class for place in rng.choice(found, size, replace=False).tolist()]
    number = {name: place for place, name in enumerate(classes)}
    return Probe(
        tuple(examples[place].text for place in chosen),
        tuple(classes),
        np.array([number[labels[place]] for place in chosen]),
        for_test[chosen],
        groups[[examples[place].sentence for place in chosen]],
    )


def _by_number(name: str) -> tuple[int, str]:
    """Bins in the order of their numbers, names by the alphabet."""
    first = name.split(" ")[0]
    return (int(first), name) if first.isdecimal() else (0, name)
