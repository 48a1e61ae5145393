"""How rules change the words of a sentence, so that only what they ask about gives the change away."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence

from mtl_models.evaluation.probing.sentences import Sentence

__all__ = ["capitals_moved", "like_words", "swapped_halves"]

_OPEN = {"NN", "NNS", "VB", "VBD", "VBZ", "VBP", "VBG", "VBN"}
_NEIGHBOURS = 10
_LEAST = 3
"""Words that a half must have at least."""
_COORDINATORS = {"and", "but"}
_ENDS = {".", "!", "?", ";"}

Replacements = Callable[[str, str], list[str]]


def like_words(sentences: Sequence[Sentence]) -> Replacements:
    """A function from a word and its part of speech to the ten words of that tag on either side of it by frequency; none for other tags."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        for word, tag in zip(sentence.words, sentence.tags or (), strict=True):
            if tag in _OPEN and word.isalpha() and word.islower():
                counts[tag][word] += 1
    ranked = {tag: sorted((count, word) for word, count in of.items()) for tag, of in counts.items()}

    def like(word: str, tag: str) -> list[str]:
        count = counts[tag][word] if tag in counts else 0
        if not count:
            return []
        place = bisect_left(ranked[tag], (count, word))
        near = ranked[tag][max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS + 1]
        return [other for _, other in near if other != word]

    return like


def swapped_halves(sentence: Sentence, finite: Collection[str]) -> list[str] | None:
    """The words with the halves around the only `and` or `but` exchanged, the end in its place.

    None where there is no such word or several, where a half is short, or has no verb with a tag of `finite`.
    """
    words = list(sentence.words)
    end = len(words) - (words[-1] in _ENDS)
    places = [place for place, word in enumerate(words) if word in _COORDINATORS]
    if len(places) != 1:
        return None
    place = places[0]
    comma = place > 0 and words[place - 1] == ","
    first, second = slice(0, place - comma), slice(place + 1, end)
    tags = sentence.tags or ()
    for half in (first, second):
        if len(words[half]) < _LEAST or not any(tag in finite for tag in tags[half]):
            return None
    return [*words[second], *words[first.stop : place + 1], *words[first], *words[end:]]


def capitals_moved(sentences: Sequence[Sentence]) -> Callable[[str, list[str]], list[str]]:
    """A function that gives the word which now begins a sentence its capital, and takes it from `before`, which began it.

    A word keeps its capital where the sentences never have it without.
    """
    small = {word for sentence in sentences for word in sentence.words if word.islower()}

    def moved(before: str, words: list[str]) -> list[str]:
        if not before[:1].isupper():
            return words
        place = words.index(before)
        lower = before.lower()
        words = [lower if number == place and lower in small else word for number, word in enumerate(words)]
        return [words[0][:1].upper() + words[0][1:], *words[1:]]

    return moved
