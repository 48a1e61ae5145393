"""Words near a word, by the cosine of their vectors in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtl_models.errors import VectorsError
from mtl_models.text.vectors.formats import guess_format, read_vectors
from mtl_models.text.vectors.found import spellings
from mtl_models.text.vectors.lines import numbered_lines
from mtl_models.text.vectors.streams import open_stream
from mtl_models.text.vectors.word2vec import parse_header

__all__ = ["nearest_words"]

_CANDIDATES = 30_000
"""First words of a file that may be neighbours: in published files the most frequent."""

_BLOCK = 512
"""Words whose similarities to all candidates are in memory at a time."""

Known = Callable[[list[str]], Sequence[bool]]


def nearest_words(path: Path, words: Iterable[str], known: Known, nearest: int, least: float) -> dict[str, tuple[str, ...]]:
    """For each of `words` (lower case) that has a vector, so many nearest to it, the nearest first, of a cosine of at least `least`.

    Neighbours are of the first words of the file and of `words` themselves, such as `known` says are worth putting in a text. Raises
    `VectorsError` where the file is damaged, or knows none of the words.
    """
    asked = sorted(set(words))
    begun = [word for word in _first_words(path) if word[0].isalnum() and word == word.lower()]
    pool = [*dict.fromkeys([*asked, *begun])]
    found = read_vectors(path, [spellings(word) for word in pool])
    values = found.values / np.maximum(np.sqrt((found.values**2).sum(axis=1, keepdims=True)), np.finfo(np.float32).tiny)
    there = [pool[index] for index in found.ids]
    queries = np.flatnonzero(found.ids < len(asked))
    if not len(queries):
        raise VectorsError(f"{path}: has none of the {len(asked)} words; is it of the same language and script?")
    candidates = np.flatnonzero(np.asarray(known(there), bool))
    if not len(candidates):
        return {}
    near: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        likeness = values[block] @ values[candidates].T
        for query, row, best in zip(block, likeness, _highest(likeness, nearest + 1), strict=True):
            others = [there[candidates[place]] for place in best if candidates[place] != query and row[place] >= least]
            near[there[query]] = tuple(others[:nearest])
    return near


def _highest(likeness: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """(Q, `count` or fewer): the places of the highest numbers of each row (Q, C), the highest first."""
    found = np.argpartition(-likeness, min(count, likeness.shape[1]) - 1, axis=1)[:, :count]
    return np.take_along_axis(found, np.argsort(-np.take_along_axis(likeness, found, axis=1), axis=1, kind="stable"), axis=1)


def _first_words(path: Path) -> list[str]:
    """None of fastText's .bin, which makes a vector of any word."""
    kind = guess_format(path)
    if kind == "fasttext-binary":
        return []
    found: list[bytes] = []
    with open_stream(path) as stream:
        if kind == "word2vec-binary":
            words, dimension = parse_header(path, stream.take_until(b"\n", limit=100))
            for _ in range(min(words, _CANDIDATES)):
                found.append(stream.take_until(b" ").lstrip(b"\n"))
                stream.skip(4 * dimension)
        else:
            lines = islice(numbered_lines(stream), 0 if kind == "glove" else 1, _CANDIDATES)
            found = [line.partition(b" ")[0] for _, line in lines]
    decoded = (word.decode(errors="replace") for word in found)
    return [word for word in decoded if word and "\ufffd" not in word]
