"""What a reader is asked for, and what it returns: the spellings of our words, and the vectors of those the file knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

__all__ = ["Found", "Spellings", "choose", "spellings", "wanted"]

Spellings = Sequence[tuple[bytes, ...]]
"""For every id of the vocabulary the spellings (UTF-8) under which its vector may be filed, best first; empty for <pad>."""


@dataclass(frozen=True)
class Found:
    """The vectors of the ids `ids` (n,): `values` (n, dimension) in the same order. `subwords` of them were made of subwords."""

    ids: NDArray[np.int64]
    values: NDArray[np.float32]
    subwords: int = 0

    @property
    def dimension(self) -> int:
        """Numbers per word."""
        return int(self.values.shape[1])


def spellings(word: str) -> tuple[bytes, ...]:
    """The word itself, then lower-cased, then each with the composed letters that NFC takes apart.

    Unicode excludes some letters of Hindi, Bengali and other scripts from composition (U+0958 is KA + NUKTA in NFC), but the
    published vectors of these languages were made from texts that hold either form.
    """
    plain = dict.fromkeys((word, word.lower()))
    return tuple(text.encode() for text in dict.fromkeys((*plain, *map(_composed, plain))))


def wanted(groups: Spellings) -> frozenset[bytes]:
    """All spellings of all words."""
    return frozenset(spelling for group in groups for spelling in group)


def choose(groups: Spellings, vectors: Mapping[bytes, NDArray[np.float32]], dimension: int) -> Found:
    """For every id the vector of its best spelling that the file has."""
    chosen = [(index, vectors[key]) for index, group in enumerate(groups) for key in group if key in vectors]
    first = dict(reversed(chosen))
    ids = sorted(first)
    values = np.stack([first[index] for index in ids]) if ids else np.empty((0, dimension), np.float32)
    return Found(np.asarray(ids, np.int64), values)


def _composed(word: str) -> str:
    if word.isascii():
        return word
    for parts, letter in _excluded_from_composition().items():
        word = word.replace(parts, letter)
    return word


@cache
def _excluded_from_composition() -> dict[str, str]:
    letters = map(chr, (*range(0x0900, 0x1000), *range(0xFB1D, 0xFB50)))
    return {normalize("NFC", letter): letter for letter in letters if normalize("NFC", letter) != letter}
