"""The ten probing tasks: each a rule that gives sentences classes, and changes their words where it asks whether one was changed.

In the manner of SentEval (Conneau, Kruszewski, Lample, Barrault and Baroni 2018, "What you can cram into a single vector", section 2), on
parts of speech of the Penn Treebank and on chunks in place of parse trees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mtl_models.evaluation.probing.sentences import CHUNK, POS, Sentence
from mtl_models.evaluation.probing.words import capitals_moved, like_words, swapped_halves

__all__ = ["RULES", "Example", "Rule", "TaskName"]

TaskName = Literal[
    "length",
    "word_content",
    "bigram_shift",
    "odd_word",
    "coordination",
    "tense",
    "first_noun",
    "last_noun",
    "chunk_count",
    "first_chunks",
]

_BINS = 6
_WORDS = 20
_SEQUENCES = 8
_COMMON = 0.02
"""Share of the sentences; a word in more of them is not of middle frequency."""
_SINGULAR_PLURAL = {"NN": "singular", "NNS": "plural"}
_TENSES = {"VBD": "past", "VBZ": "present", "VBP": "present"}
_FINITE = {*_TENSES, "MD"}
_CHANGED = ("as written", "changed")


@dataclass(frozen=True)
class Example:
    """One row of a probing task: the sentence it is made from by its number, its text, its class."""

    sentence: int
    text: str
    label: str


Examples = Callable[[Sequence[Sentence], np.random.Generator], list[Example]]
"""The rows of a rule; which sentences it changes, and how, is drawn."""


@dataclass(frozen=True)
class Rule:
    """A probing task. `needs` are columns of the corpus that it cannot do without."""

    name: TaskName
    asks: str
    needs: tuple[str, ...]
    examples: Examples


def _length(sentences: Sequence[Sentence]) -> list[Example]:
    return _binned(sentences, [len(sentence.words) for sentence in sentences], "words")


def _word_content(sentences: Sequence[Sentence]) -> list[Example]:
    """Of the words that at most one sentence in fifty has, the most frequent; sentences that have exactly one of them."""
    counts = Counter(word for sentence in sentences for word in set(sentence.words))
    middle = [word for word, count in counts.items() if count <= _COMMON * len(sentences) and word.isalpha() and word.islower()]
    wanted = set(sorted(middle, key=lambda word: (-counts[word], word))[:_WORDS])
    found = []
    for number, sentence in enumerate(sentences):
        has = wanted.intersection(sentence.words)
        if len(has) == 1:
            found.append(Example(number, sentence.text, has.pop()))
    return found


def _bigram_shift(sentences: Sequence[Sentence], rng: np.random.Generator) -> list[Example]:
    """Two neighbours that differ, neither of them the first word nor the last."""

    def shifted(sentence: Sentence) -> list[str] | None:
        words = list(sentence.words)
        places = [place for place in range(1, len(words) - 2) if words[place].lower() != words[place + 1].lower()]
        if not places:
            return None
        place = int(rng.choice(places))
        words[place], words[place + 1] = words[place + 1], words[place]
        return words

    return _changed(sentences, shifted, rng)


def _odd_word(sentences: Sequence[Sentence], rng: np.random.Generator) -> list[Example]:
    """A noun or a verb gives its place to another word of its part of speech and of like frequency."""
    like = like_words(sentences)

    def replaced(sentence: Sentence) -> list[str] | None:
        tagged = list(zip(sentence.words, sentence.tags or (), strict=True))
        places = [place for place, of in enumerate(tagged) if place and like(*of)]
        if not places:
            return None
        place = int(rng.choice(places))
        words = list(sentence.words)
        words[place] = str(rng.choice(like(*tagged[place])))
        return words

    return _changed(sentences, replaced, rng)


def _coordination(sentences: Sequence[Sentence], rng: np.random.Generator) -> list[Example]:
    """The halves around `and` or `but` change places, and the capital goes with the place."""
    moved = capitals_moved(sentences)

    def inverted(sentence: Sentence) -> list[str] | None:
        words = swapped_halves(sentence, _FINITE)
        return None if words is None else moved(sentence.words[0], words)

    return _changed(sentences, inverted, rng)


def _tense(sentences: Sequence[Sentence]) -> list[Example]:
    """The first verb that is finite; sentences where that is a modal are left out."""
    found = []
    for number, sentence in enumerate(sentences):
        first = next((tag for tag in sentence.tags or () if tag in _FINITE), None)
        if first in _TENSES:
            found.append(Example(number, sentence.text, _TENSES[first]))
    return found


def _first_noun(sentences: Sequence[Sentence]) -> list[Example]:
    return _noun(sentences, 0)


def _last_noun(sentences: Sequence[Sentence]) -> list[Example]:
    return _noun(sentences, -1)


def _chunk_count(sentences: Sequence[Sentence]) -> list[Example]:
    return _binned(sentences, [len(sentence.chunks or ()) for sentence in sentences], "chunks")


def _first_chunks(sentences: Sequence[Sentence]) -> list[Example]:
    """The most frequent beginnings; sentences that begin otherwise are left out."""
    begins = [" ".join(sentence.chunks[:3]) if sentence.chunks and len(sentence.chunks) >= 3 else "" for sentence in sentences]
    wanted = {begin for begin, _ in Counter(filter(None, begins)).most_common(_SEQUENCES)}
    return [Example(number, sentences[number].text, begin) for number, begin in enumerate(begins) if begin in wanted]


def _as_written(classes: Callable[[Sequence[Sentence]], list[Example]]) -> Examples:
    """A rule that leaves the sentences alone, and so nothing to chance."""
    return lambda sentences, _: classes(sentences)


RULES: tuple[Rule, ...] = (
    Rule("length", "how many words the sentence has", (), _as_written(_length)),
    Rule("word_content", "which of these words of middle frequency is in it", (), _as_written(_word_content)),
    Rule("bigram_shift", "whether two neighbouring words changed places", (), _bigram_shift),
    Rule("odd_word", "whether a noun or a verb was replaced by another", (POS,), _odd_word),
    Rule("coordination", "whether the halves around 'and' or 'but' changed places", (POS,), _coordination),
    Rule("tense", "whether the first finite verb is in the past or the present", (POS,), _as_written(_tense)),
    Rule("first_noun", "whether the first common noun is singular or plural", (POS,), _as_written(_first_noun)),
    Rule("last_noun", "whether the last common noun is singular or plural", (POS,), _as_written(_last_noun)),
    Rule("chunk_count", "how many chunks the sentence has", (CHUNK,), _as_written(_chunk_count)),
    Rule("first_chunks", "with which three chunks it begins", (CHUNK,), _as_written(_first_chunks)),
)
"""In the order of tables: the surface first, then order, then parts of speech, then chunks."""


def _noun(sentences: Sequence[Sentence], place: int) -> list[Example]:
    found = []
    for number, sentence in enumerate(sentences):
        nouns = [tag for tag in sentence.tags or () if tag in _SINGULAR_PLURAL]
        if nouns:
            found.append(Example(number, sentence.text, _SINGULAR_PLURAL[nouns[place]]))
    return found


def _binned(sentences: Sequence[Sentence], counts: Sequence[int], unit: str) -> list[Example]:
    """Classes that have, as nearly as whole numbers allow, equally many sentences."""
    edges = np.unique(np.quantile(counts, np.linspace(0.0, 1.0, _BINS + 1)[1:-1], method="higher"))
    bins = np.searchsorted(edges, counts, side="right")
    names = {}
    for number in np.unique(bins).tolist():
        inside = np.asarray(counts)[bins == number]
        low, high = int(inside.min()), int(inside.max())
        names[number] = f"{low} to {high} {unit}" if low < high else f"{low} {unit if low != 1 else unit[:-1]}"
    return [Example(place, sentences[place].text, names[number]) for place, number in enumerate(bins.tolist())]


def _changed(sentences: Sequence[Sentence], change: Callable[[Sentence], list[str] | None], rng: np.random.Generator) -> list[Example]:
    """Half of the sentences that can be changed are, the other half stands as written; no sentence is in both."""
    found = []
    for number, sentence in enumerate(sentences):
        words = change(sentence)
        if words is not None and tuple(words) != sentence.words:
            changed = bool(rng.integers(2))
            found.append(Example(number, " ".join(words) if changed else sentence.text, _CHANGED[changed]))
    return found
