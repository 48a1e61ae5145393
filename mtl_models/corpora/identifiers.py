"""Ids of rows must differ: seen as 64-bit keys, so that millions of them fit in memory."""

from __future__ import annotations

import numpy as np

from mtl_models.corpora.keys import exact_key
from mtl_models.corpora.readers import Table
from mtl_models.errors import CorpusError

__all__ = ["SeenIds"]

_BLOCK_ROWS = 10_000


class SeenIds:
    """Ids of the rows of one split, as keys, with the place of each row."""

    def __init__(self) -> None:
        self._blocks: list[np.ndarray] = []
        self._pairs: list[tuple[int, int]] = []

    def add(self, name: str, place: int) -> None:
        """Remember one id."""
        self._pairs.append((exact_key(name.encode()), place))
        if len(self._pairs) == _BLOCK_ROWS:
            self._close_block()

    def refuse_repeats(self, table: Table) -> None:
        """Raise `CorpusError` if two rows have one id."""
        self._close_block()
        pairs = np.concatenate(self._blocks)
        pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
        twice = np.flatnonzero(pairs[1:, 0] == pairs[:-1, 0])
        if len(twice):
            first = twice[pairs[twice, 1].argmin()]
            raise CorpusError(
                f"{table.where(int(pairs[first, 1]))} and {table.unit} {pairs[first + 1, 1]} have the same id; in all {len(twice)} rows "
                "repeat an id. Ids must differ (leave `id` out to number the rows; a review that several rows share is a `group`)"
            )

    def _close_block(self) -> None:
        self._blocks.append(np.array(self._pairs, dtype=np.uint64).reshape(-1, 2))
        self._pairs = []
