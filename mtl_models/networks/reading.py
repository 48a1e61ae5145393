"""Texts of words as a batch: ids, where each word begins among them, letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_models.networks.network import PAD, Batch, Words
from mtl_models.tasks.missing import MISSING
from mtl_models.text.words import Forms, running

__all__ = ["WordTexts", "padded_annotations", "padded_words", "read_words"]


@dataclass(frozen=True)
class WordTexts:
    """Texts, one after another: `words` (B,) of each, `pieces` (words,) of every word, `ids` (pieces,), `letters` (words, C).

    `beside` (words,) are ids in the vocabulary beside that of a backbone; `states` (words, F) is what a backbone that does not move has
    made of them before.
    """

    words: NDArray[np.int64]
    pieces: NDArray[np.int64]
    ids: NDArray[np.int64]
    letters: NDArray[np.int64] | None
    beside: NDArray[np.int64] | None = None
    states: NDArray[np.float32] | None = None


def read_words(forms: Forms, places: NDArray[np.int32], lengths: NDArray[np.int32], states: NDArray[np.float32] | None = None) -> WordTexts:
    """The texts whose running words are `forms` at `places` (sum of `lengths`,), with `states` (that sum, F) if they are known."""
    counts = forms.counts[places]
    ids = forms.pieces[running(forms.starts[places], counts)]
    letters, beside = (None if found is None else found[places] for found in (forms.letters, forms.beside))
    return WordTexts(lengths.astype(np.int64), counts, ids, letters, beside, states)


def padded_words(parts: Sequence[WordTexts]) -> Batch:
    """All texts of all `parts` as one batch that no task asks for yet."""
    words, pieces, ids = (np.concatenate([getattr(part, name) for part in parts]) for name in ("words", "pieces", "ids"))
    inside = np.arange(words.max()) < words[:, None]
    counts = np.zeros(inside.shape, dtype=np.int64)
    counts[inside] = pieces
    lengths = counts.sum(axis=1)
    first = np.where(inside, np.cumsum(counts, axis=1) - counts, 0)
    padded = np.full((len(words), lengths.max()), PAD, dtype=np.int64)
    padded[np.arange(lengths.max()) < lengths[:, None]] = ids
    letters = _padded(inside, [part.letters for part in parts if part.letters is not None])
    beside = _padded(inside, [part.beside for part in parts if part.beside is not None])
    states = _padded(inside, [part.states for part in parts if part.states is not None])
    return Batch(
        torch.from_numpy(padded),
        torch.from_numpy(lengths),
        {},
        words=Words(torch.from_numpy(words), torch.from_numpy(first), letters, beside, states),
    )


def padded_annotations(rows: NDArray[Any]) -> Tensor:
    """An object array (B,) of annotations -> (B, M, W) int64, `MISSING` behind the last of a text."""
    padded = np.full((len(rows), max(1, max(len(row) for row in rows)), rows[0].shape[1]), MISSING, dtype=np.int64)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return torch.from_numpy(padded)


def _padded(inside: NDArray[np.bool_], parts: Sequence[NDArray[Any]]) -> Tensor | None:
    """What belongs to the running words, put where they stand, zeros elsewhere; None where there is nothing."""
    if not parts:
        return None
    values = np.concatenate(parts)
    padded = np.zeros((*inside.shape, *values.shape[1:]), dtype=values.dtype)
    padded[inside] = values
    return torch.from_numpy(padded)
