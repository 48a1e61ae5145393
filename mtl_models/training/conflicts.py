"""Which tasks conflict: cosines of their gradients on the shared parameters, measured beside the training."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

__all__ = ["ConflictTally", "cosines"]


class ConflictTally:
    """Sums of the cosines of every pair over the measurements of an epoch, kept on the device and read once."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, Tensor] = {}

    def add(self, tasks: Sequence[str], gramian: Tensor) -> None:
        """One measurement: inner products (T, T) of the gradients of `tasks`. A gradient of zero has no cosine and is left out."""
        measured = cosines(gramian)
        for (i, one), (j, other) in combinations(enumerate(tasks), 2):
            pair, cosine = f"{one}/{other}", measured[i, j]
            there = cosine.isfinite()
            self._sums[pair] = self._sums.get(pair, 0.0) + torch.where(there, cosine, 0.0)
            self._counts[pair] = self._counts.get(pair, 0) + there

    def means(self) -> dict[str, float]:
        """Pair `a/b` -> mean cosine, for the pairs that have one."""
        counts = {pair: int(count) for pair, count in self._counts.items()}
        return {pair: float(total) / counts[pair] for pair, total in self._sums.items() if counts[pair]}


def cosines(gramian: Tensor) -> Tensor:
    """Cosines (T, T) from inner products (T, T); NaN where a vector is zero."""
    norms = gramian.diagonal().sqrt()
    return gramian / (norms[:, None] * norms[None, :])
