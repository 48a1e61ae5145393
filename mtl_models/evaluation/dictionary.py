"""A dictionary of what the train rows mark: what a user would pick instead of a network where labels lie on words.

It knows runs of words as they are written, and takes those that the train rows mark at least as often as they leave them alone, each for
what it is marked as most often.

- tagging: from left to right, the longest run that begins at a word;
- mentions: all runs, also within each other;
- relations: pairs of runs that the train rows relate at least as often as both stand in one text;
- coreference: all runs; those of the same words, in small letters or capitals, are one cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from mtl_models.corpora.annotations import WIDTHS, as_objects, renumbered, tokens_of
from mtl_models.corpora.corpus import Corpus, Split
from mtl_models.evaluation.predictions import Predictions, split_columns

__all__ = ["train_dictionary"]

Run = tuple[str, ...]
"""Words in a row."""
Text = tuple[list[str], list[list[int]]]
"""Its tokens and its annotations, their types numbered alike in all corpora."""


def train_dictionary(corpora: Sequence[Corpus], split: Split = "test") -> dict[str, Predictions]:
    """One dictionary from the train splits of tasks of one kind and one set of labels; task -> what it finds in its `split`."""
    labels = corpora[0].labels
    texts = [text for corpus in corpora for text in _texts(corpus, labels)]
    finder = _FINDERS[corpora[0].kind](texts)
    return {corpus.task: _predict(corpus, labels, finder, split) for corpus in corpora}


Finder = Callable[[list[str]], list[list[int]]]
"""Tokens -> annotations."""


def _tagging(texts: Sequence[Text]) -> Finder:
    known = _types(texts)

    def find(tokens: list[str]) -> list[list[int]]:
        found: list[list[int]] = []
        for start, end, run in sorted(_matches(tokens, known), key=lambda match: (match[0], -match[1])):
            if not found or start >= found[-1][1]:
                found.append([start, end, known.types[run]])
        return found

    return find


def _mentions(texts: Sequence[Text]) -> Finder:
    known = _types(texts)
    return lambda tokens: [[start, end, known.types[run]] for start, end, run in _matches(tokens, known)]


def _coreference(texts: Sequence[Text]) -> Finder:
    """A cluster of one mention is told of where the train rows have such."""
    known = _types([(_lowered(tokens), rows) for tokens, rows in texts])
    least = min((count for _, rows in texts for count in Counter(row[2] for row in rows).values()), default=2)

    def find(tokens: list[str]) -> list[list[int]]:
        clusters: dict[Run, list[tuple[int, int]]] = {}
        for start, end, run in _matches(_lowered(tokens), known):
            clusters.setdefault(run, []).append((start, end))
        kept = [spans for spans in clusters.values() if len(spans) >= least]
        return [[start, end, number] for number, spans in enumerate(kept) for start, end in spans]

    return find


def _relations(texts: Sequence[Text]) -> Finder:
    related: dict[tuple[Run, Run], Counter[int]] = {}
    for tokens, rows in texts:
        for head, head_end, tail, tail_end, kind in rows:
            pair = tuple(tokens[head:head_end]), tuple(tokens[tail:tail_end])
            related.setdefault(pair, Counter())[kind] += 1
    ends = _Known({run: 0 for pair in related for run in pair})
    together = Counter(pair for tokens, _ in texts for *_, pair in _pairs(tokens, ends, related))
    types = {pair: _commonest(counts) for pair, counts in related.items() if 2 * counts.total() >= together[pair]}
    return lambda tokens: [[*head, *tail, types[pair]] for head, tail, pair in _pairs(tokens, ends, types)]


_FINDERS: Mapping[str, Callable[[Sequence[Text]], Finder]] = {
    "tagging": _tagging,
    "mentions": _mentions,
    "relations": _relations,
    "coreference": _coreference,
}


class _Known:
    """Runs with their types, to be looked up by their first word."""

    def __init__(self, types: Mapping[Run, int]) -> None:
        self.types = types
        self.lengths: dict[str, set[int]] = {}
        for run in types:
            self.lengths.setdefault(run[0], set()).add(len(run))


def _types(texts: Iterable[Text]) -> _Known:
    """The runs that are marked at least as often as they stand there unmarked, each with its most frequent type."""
    marked: dict[Run, Counter[int]] = {}
    texts = list(texts)
    for tokens, rows in texts:
        for start, end, kind in rows:
            marked.setdefault(tuple(tokens[start:end]), Counter())[kind] += 1
    every = _Known(dict.fromkeys(marked, 0))
    seen = Counter(run for tokens, _ in texts for _, _, run in _matches(tokens, every))
    return _Known({run: _commonest(counts) for run, counts in marked.items() if 2 * counts.total() >= seen[run]})


def _matches(tokens: Sequence[str], known: _Known) -> Iterator[tuple[int, int, Run]]:
    """Every known run in a text: its first token, the token behind it, itself."""
    for start, word in enumerate(tokens):
        for length in known.lengths.get(word, ()):
            run = tuple(tokens[start : start + length])
            if run in known.types:
                yield start, start + length, run


def _pairs(
    tokens: Sequence[str], ends: _Known, wanted: Mapping[tuple[Run, Run], object]
) -> Iterator[tuple[tuple[int, int], tuple[int, int], tuple[Run, Run]]]:
    """The known ends in a text two by two, where `wanted` has the pair."""
    there = [*_matches(tokens, ends)]
    for head, head_end, first in there:
        for tail, tail_end, second in there:
            if (first, second) in wanted and (head, head_end) != (tail, tail_end):
                yield (head, head_end), (tail, tail_end), (first, second)


def _commonest(counts: Counter[int]) -> int:
    """The first of equals."""
    return min(counts, key=lambda kind: (-counts[kind], kind))


def _lowered(tokens: Iterable[str]) -> list[str]:
    return [token.lower() for token in tokens]


def _texts(corpus: Corpus, labels: tuple[str, ...]) -> Iterator[Text]:
    _, texts, gold = split_columns(corpus, "train")
    for text, rows in zip(texts, gold, strict=True):
        yield tokens_of(text), renumbered(rows, corpus.kind, corpus.labels, labels).tolist()


def _predict(corpus: Corpus, labels: tuple[str, ...], find: Finder, split: Split) -> Predictions:
    ids, texts, gold = split_columns(corpus, split)
    found = [np.array(find(tokens_of(text)), dtype=np.int32).reshape(-1, WIDTHS[corpus.kind]) for text in texts]
    rows = as_objects([renumbered(row, corpus.kind, labels, corpus.labels) for row in found])
    return Predictions(corpus.task, corpus.labels, tuple(ids), gold, rows, corpus.kind)
