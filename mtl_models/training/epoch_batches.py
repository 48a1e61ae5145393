"""The batches of one epoch: mixed over the tasks, of one task each, or each with rows of every task.

The rows of a batch are of about one length, which leaves little padding: rows are shuffled, every pool of 50 batches is sorted by length
(stable, so equal lengths stay shuffled) and cut, and the batches come in shuffled order, unless an order of the tasks is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mtl_models.networks.network import Batch
from mtl_models.training.batches import collate
from mtl_models.training.cutting import POOL, Lengths, Rows, bucketed, cut_by_length
from mtl_models.training.encoding import EncodedSplit

__all__ = ["EpochBatches", "Order", "aggregated_batches", "mixed_batches", "single_task_batches"]

Order = Literal["shuffled", "sequential", "round_robin"]


@dataclass(frozen=True)
class EpochBatches:
    """The rows of an epoch, batch after batch; iterating builds the batches one by one, on the CPU, in the order of `sequence`.

    Batch k holds the places [starts[k], starts[k + 1]) of `task` (numbers into the keys of `splits`), `row` and `length`, all (rows,).
    """

    splits: Mapping[str, EncodedSplit]
    task: npt.NDArray[np.int16]
    row: Rows
    length: npt.NDArray[np.int32]
    starts: Rows
    sequence: Rows

    def __len__(self) -> int:
        return len(self.sequence)

    def __iter__(self) -> Iterator[Batch]:
        names = list(self.splits)
        for number in self.sequence:
            cut = slice(self.starts[number], self.starts[number + 1])
            task, row = self.task[cut], self.row[cut]
            yield collate(self.splits, {names[place]: row[task == place] for place in np.unique(task)})

    @property
    def padded(self) -> float:
        """Share of padding among the tokens of all batches, in [0, 1]."""
        longest = np.maximum.reduceat(self.length, self.starts[:-1]).astype(np.int64)
        return 1.0 - float(self.length.sum(dtype=np.int64) / (longest * np.diff(self.starts)).sum())


def mixed_batches(
    splits: Mapping[str, EncodedSplit],
    drawn: Mapping[str, Rows],
    batch_size: int,
    random: np.random.Generator,
    pool: int = POOL,
    tokens: int | None = None,
) -> EpochBatches:
    """ceil(rows / batch_size) batches of the rows of all tasks; `drawn` task -> row indices into `splits[task]`, each coming once.

    With `tokens` a batch that has more, padding included, is cut into smaller ones.
    """
    task = np.repeat(np.arange(len(drawn), dtype=np.int16), [len(rows) for rows in drawn.values()])
    row, length = np.concatenate(list(drawn.values())), np.concatenate(_lengths(splits, drawn))
    order, starts = cut_by_length(length, batch_size, random, tokens, pool)
    return EpochBatches(_named(splits, drawn), task[order], row[order], length[order], starts, random.permutation(len(starts) - 1))


def single_task_batches(
    splits: Mapping[str, EncodedSplit],
    drawn: Mapping[str, Rows],
    batch_size: int,
    random: np.random.Generator,
    order: Order = "shuffled",
    tokens: int | None = None,
) -> EpochBatches:
    """ceil(rows / batch_size) batches of every task, each of one task; with `tokens` more, none of which has more of them.

    The order of the tasks is that of a shuffled multiset, of `drawn` (`sequential`: all of one, then all of the next), or one batch of
    each in turn (`round_robin`). A task's own batches are shuffled in either case.
    """
    orders, cuts = zip(*(cut_by_length(length, batch_size, random, tokens) for length in _lengths(splits, drawn)), strict=True)
    batches = [len(starts) - 1 for starts in cuts]
    first = np.cumsum([0, *batches[:-1]])
    shuffled = [start + random.permutation(count) for start, count in zip(first, batches, strict=True)]
    turn = np.concatenate([np.arange(count) for count in batches])
    match order:
        case "shuffled":
            sequence = random.permutation(sum(batches))
        case "sequential":
            sequence = np.concatenate(shuffled)
        case "round_robin":
            sequence = np.concatenate(shuffled)[np.argsort(turn, kind="stable")]
    rows = [chosen[places] for chosen, places in zip(drawn.values(), orders, strict=True)]
    lengths = [length[places] for length, places in zip(_lengths(splits, drawn), orders, strict=True)]
    return EpochBatches(
        _named(splits, drawn),
        np.repeat(np.arange(len(drawn), dtype=np.int16), [len(places) for places in orders]),
        np.concatenate(rows),
        np.concatenate(lengths),
        np.concatenate([[0], np.cumsum(np.concatenate([np.diff(starts) for starts in cuts]))]).astype(np.int64),
        sequence,
    )


def aggregated_batches(
    splits: Mapping[str, EncodedSplit], drawn: Mapping[str, Rows], updates: int, random: np.random.Generator
) -> EpochBatches:
    """`updates` batches, each with the same number of rows of a task, within one; short texts of one task meet short ones of the others.

    A task with fewer rows than updates is missing from some.
    """
    tasks, rows, lengths, batches = [], [], [], []
    for place, (chosen, length) in enumerate(zip(drawn.values(), _lengths(splits, drawn), strict=True)):
        starts = np.arange(updates + 1, dtype=np.int64) * len(chosen) // updates
        order = bucketed(length, starts[::POOL], random)
        tasks.append(np.full(len(chosen), place, dtype=np.int16))
        rows.append(chosen[order])
        lengths.append(length[order])
        batches.append(np.repeat(np.arange(updates), np.diff(starts)))
    batch = np.concatenate(batches)
    together = np.argsort(batch, kind="stable")
    return EpochBatches(
        _named(splits, drawn),
        np.concatenate(tasks)[together],
        np.concatenate(rows)[together],
        np.concatenate(lengths)[together],
        np.searchsorted(batch[together], np.arange(updates + 1)).astype(np.int64),
        random.permutation(updates),
    )


def _lengths(splits: Mapping[str, EncodedSplit], drawn: Mapping[str, Rows]) -> list[Lengths]:
    return [splits[task].lengths[rows] for task, rows in drawn.items()]


def _named(splits: Mapping[str, EncodedSplit], drawn: Mapping[str, Rows]) -> dict[str, EncodedSplit]:
    return {task: splits[task] for task in drawn}
