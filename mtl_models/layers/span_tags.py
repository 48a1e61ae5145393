"""Spans as BIO tags and back, whole batches at once; the tags are those of `layers.crf`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["spans_of_tags", "tags_of_spans"]


def tags_of_spans(spans: Tensor, layers: Tensor, mask: Tensor, depth: int, types: int) -> Tensor:
    """Spans (B, M, 3), start, end and type, each on a layer (B, M) -> tags (B, depth, n) int64.

    Spans of one layer do not overlap. Those whose layer is negative or `depth` and more, and those that do not lie within the n words of
    `mask` (B, n), are left out.
    """
    rows, positions = mask.shape
    start, end, label = spans.unbind(2)
    fits = (start >= 0) & (end > start) & (end <= mask.sum(1, keepdim=True)) & (layers >= 0) & (layers < depth)
    row, _ = fits.nonzero(as_tuple=True)
    chain = (row * depth + layers[fits]) * (positions + 1)
    inside = label[fits] + 1 + types
    change = torch.zeros(rows * depth * (positions + 1), dtype=torch.int64, device=spans.device)
    change.index_put_((chain + start[fits],), inside, accumulate=True)
    change.index_put_((chain + end[fits],), -inside, accumulate=True)
    tags = change.cumsum(0)
    tags[chain + start[fits]] = inside - types
    return tags.view(rows, depth, positions + 1)[:, :, :-1]


def spans_of_tags(tags: NDArray[np.int64], types: int) -> NDArray[np.int64]:
    """Valid BIO tags (C, n) of C chains -> spans (M, 4): chain, start, end and type, in that order."""
    chains, positions = tags.shape
    closed = np.concatenate([tags, np.zeros((chains, 1), dtype=np.int64)], axis=1).ravel()
    starts = np.flatnonzero((closed > 0) & (closed <= types))
    borders: NDArray[Any] = np.flatnonzero(closed <= types)
    ends = borders[np.searchsorted(borders, starts, side="right")] if len(starts) else starts
    chain = starts // (positions + 1)
    return np.stack([chain, starts % (positions + 1), ends - chain * (positions + 1), closed[starts] - 1], axis=1)
