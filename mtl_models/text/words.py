"""Texts as words: where they begin and end, their ids or pieces, and their letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import pre_tokenizers

from mtl_models.config.text import TextOptions
from mtl_models.text.normalising import splitter

__all__ = ["Forms", "forms_of", "places_of_words"]

_PLAIN = dict.fromkeys((0x2018, 0x2019, 0xFF07), "'") | dict.fromkeys(range(0xD800, 0xE000), " ")
"""A character for a character, so that no place moves: apostrophes, which decide where a word ends, as normalising has them; and what UTF-8
cannot express."""


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


def forms_of(
    texts: Sequence[Sequence[str]], vocabulary: _Pieces, options: TextOptions, letters: int | None
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
    ), places


def _letters(words: Sequence[str], most: int) -> NDArray[np.int64]:
    cut = [word.encode("utf-8", "replace")[:most] for word in words]
    found = np.zeros((len(words), most), dtype=np.int64)
    lengths = np.array([len(word) for word in cut])
    found[np.arange(most) < lengths[:, None]] = np.frombuffer(b"".join(cut), dtype=np.uint8).astype(np.int64) + 1
    return found


def places_of_words(text: str, way: str = "split") -> list[tuple[int, int]]:
    """Begin and end of every word of a text in characters; at the spaces, or by the rule for texts as people write them.

    Never empty: a text without a word is one word, whatever it is.
    """
    split = pre_tokenizers.WhitespaceSplit() if way == "spaces" else splitter()
    return [place for _, place in split.pre_tokenize_str(text.translate(_PLAIN))] or [(0, len(text))]
