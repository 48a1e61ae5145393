"""Texts as words: where they begin and end, their ids or pieces, and their letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mtl_models.config.text import TextOptions
from mtl_models.corpora.splitting import places_of_words

__all__ = ["Forms", "forms_of", "places_of_words", "running"]


class _Pieces(Protocol):
    """What forms want of a vocabulary."""

    def pieces(self, words: Sequence[str], options: TextOptions) -> list[list[int]]:
        """The ids of every word by itself."""


@dataclass(frozen=True)
class Forms:
    """Distinct words, U of them: the same word of many texts is looked up once.

    Word u has the ids `pieces[starts[u] : starts[u] + counts[u]]`, one in a vocabulary of words and at least one in that of a backbone;
    `letters` (U, C) are its first C bytes in UTF-8, each plus one, and zeros behind, None where nobody reads them.
    """

    pieces: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    letters: NDArray[np.int64] | None
    beside: NDArray[np.int64] | None = None
    """(U,) the ids in a vocabulary of words that stands beside that of a backbone."""


def forms_of(
    texts: Sequence[Sequence[str]], vocabulary: _Pieces, options: TextOptions, letters: int | None, beside: _Pieces | None = None
) -> tuple[Forms, NDArray[np.int32]]:
    """The distinct words of texts that are split already, and for every running word of all texts the place of its form."""
    known: dict[str, int] = {}
    places = np.array([known.setdefault(word, len(known)) for text in texts for word in text], dtype=np.int32)
    ids = vocabulary.pieces([*known], options)
    counts = np.array([len(found) for found in ids], dtype=np.int64)
    return Forms(
        np.array([piece for found in ids for piece in found], dtype=np.int64),
        np.cumsum(counts) - counts,
        counts,
        None if letters is None else _letters([*known], letters),
        None if beside is None else np.array([first for first, *_ in beside.pieces([*known], options)], dtype=np.int64),
    ), places


def running(starts: NDArray[np.int64], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """The places of several runs, one run after another: run i is the `lengths[i]` places from `starts[i]` on."""
    wide = lengths.astype(np.int64)
    ends = np.cumsum(wide)
    return np.repeat(starts - (ends - wide), wide) + np.arange(wide.sum())


def _letters(words: Sequence[str], most: int) -> NDArray[np.int64]:
    cut = [word.encode("utf-8", "replace")[:most] for word in words]
    found = np.zeros((len(words), most), dtype=np.int64)
    lengths = np.array([len(word) for word in cut])
    found[np.arange(most) < lengths[:, None]] = np.frombuffer(b"".join(cut), dtype=np.uint8).astype(np.int64) + 1
    return found
