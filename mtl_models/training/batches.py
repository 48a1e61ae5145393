"""Batches of texts of similar length: mixed over the tasks for training, of one task for evaluation.

Padding goes to the longest text of the batch only, and the rows of a batch are of about one length: rows are shuffled, every pool
of 50 batches is sorted by length (stable, so equal lengths stay shuffled) and cut, and the batches come in shuffled order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch

from mtl_models.networks.network import PAD, Batch
from mtl_models.training.encoding import EncodedSplit

__all__ = ["EpochBatches", "by_length", "collate"]

Rows = npt.NDArray[np.int64]

_POOL = 50
"""Batches sorted together: enough to leave little padding, few enough that a row meets others in every epoch."""

_EVALUATION_TOKENS = 8_192
"""Tokens of a batch without gradients, padding included, which bounds its memory whatever the lengths."""


class EpochBatches:
    """The batches of one epoch over `drawn`, task -> row indices into `splits[task]`; each drawn row comes once.

    Its length is the number of batches, ceil(rows / batch_size); iterating builds them one by one, on the CPU.
    """

    def __init__(
        self,
        splits: Mapping[str, EncodedSplit],
        drawn: Mapping[str, Rows],
        batch_size: int,
        random: np.random.Generator,
        pool: int = _POOL,
    ) -> None:
        self._splits = {task: splits[task] for task in drawn}
        self._batch_size = batch_size
        task = np.repeat(np.arange(len(drawn), dtype=np.int16), [len(rows) for rows in drawn.values()])
        row = np.concatenate(list(drawn.values()))
        length = np.concatenate([splits[name].lengths[rows] for name, rows in drawn.items()])
        shuffled = random.permutation(len(row))
        pools = np.arange(len(row)) // (pool * batch_size)
        order = shuffled[np.lexsort((length[shuffled], pools))]
        self._task, self._row, self._length = task[order], row[order], length[order]
        self._sequence = random.permutation(len(self))

    def __len__(self) -> int:
        return -(-len(self._row) // self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        names = list(self._splits)
        for number in self._sequence:
            cut = slice(number * self._batch_size, (number + 1) * self._batch_size)
            task, row = self._task[cut], self._row[cut]
            yield collate(self._splits, {names[place]: row[task == place] for place in np.unique(task)})

    @property
    def padded(self) -> float:
        """Share of padding among the tokens of all batches, in [0, 1]."""
        first = np.arange(0, len(self._length), self._batch_size)
        longest = np.maximum.reduceat(self._length, first).astype(np.int64)
        sizes = np.diff(np.append(first, len(self._length)))
        return 1.0 - float(self._length.sum(dtype=np.int64) / (longest * sizes).sum())


def collate(splits: Mapping[str, EncodedSplit], rows: Mapping[str, Rows]) -> Batch:
    """The batch of `rows`, task -> row indices into `splits[task]`: one task's rows after another's, padded to the longest of all."""
    lengths = np.concatenate([splits[task].lengths[chosen] for task, chosen in rows.items()])
    places = np.arange(lengths.max())
    ids = np.full((len(lengths), len(places)), PAD, dtype=np.int64)
    ids[places < lengths[:, None]] = np.concatenate([splits[task].ids(chosen) for task, chosen in rows.items()])
    ends = np.cumsum([len(chosen) for chosen in rows.values()])
    return Batch(
        ids=torch.from_numpy(ids),
        lengths=torch.from_numpy(lengths.astype(np.int64)),
        rows={task: torch.arange(end - len(rows[task]), end) for task, end in zip(rows, ends.tolist(), strict=True)},
        labels={task: torch.from_numpy(splits[task].labels[chosen].astype(np.int64)) for task, chosen in rows.items()},
    )


def by_length(lengths: npt.NDArray[np.int32], tokens: int = _EVALUATION_TOKENS) -> list[Rows]:
    """Row indices in batches of similar length, each row once, at most `tokens` of them padded in a batch (but one row at least)."""
    order = np.argsort(lengths, kind="stable").astype(np.int64)
    batches = []
    end = len(order)
    while end > 0:
        size = max(1, tokens // int(lengths[order[end - 1]]))
        batches.append(order[max(0, end - size) : end])
        end -= size
    return batches
