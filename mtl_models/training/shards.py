"""A process's part of a batch, and the answers of all parts as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mtl_models.networks.network import Batch
from mtl_models.training.distributed import Workers

__all__ = ["Shard", "shard_of"]


@dataclass(frozen=True)
class Shard:
    """The texts of one process: `batch`, without labels, as wide as the whole batch was, and with every task of it.

    `places` task -> (b_t,) which of the task's rows are this process's; `rows` task -> how many all processes have; `weight` is this
    part's share of the texts. A process for which there is no text reads the first one, so that it takes every step that the others
    take, and its answer does not count.
    """

    batch: Batch
    places: Mapping[str, Tensor]
    rows: Mapping[str, int]
    weight: float
    workers: Workers

    def whole(self, logits: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Task -> the logits (B_t, ...) of all processes, from those (b_t, ...) of this one; gradients flow to these alone.

        A loss of them is the loss of the whole batch in every process, whatever it divides by, and the sum over the processes of its
        gradients is its gradient.
        """
        if self.workers.count == 1:
            return dict(logits)
        own = {task: self._spread(task, found.float()) for task, found in logits.items()}
        found = torch.cat([part.detach().flatten() for part in own.values()])
        self.workers.add_up(found)
        parts = torch.split(found, [part.numel() for part in own.values()])
        return {task: self._mended(task, part, others.view_as(part)) for (task, part), others in zip(own.items(), parts, strict=True)}

    def _spread(self, task: str, logits: Tensor) -> Tensor:
        """(B_t, ...), zero in the rows of others."""
        places = self.places[task]
        empty = logits.new_zeros(self.rows[task], *logits.shape[1:])
        return empty.index_copy(0, places, logits[: len(places)])

    def _mended(self, task: str, own: Tensor, others: Tensor) -> Tensor:
        """`own`, with what the others have found in their rows."""
        places = self.places[task]
        mine = torch.zeros(len(own), dtype=torch.bool, device=own.device).index_fill(0, places, True)
        return torch.where(mine.view(-1, *(1 for _ in own.shape[1:])), own, others)


def shard_of(batch: Batch, workers: Workers) -> Shard:
    """This process's part of `batch`: text i is for process i modulo their number, so that every task is spread evenly."""
    rows = {task: len(chosen) for task, chosen in batch.rows.items()}
    if workers.count == 1:
        return Shard(batch, {}, rows, 1.0, workers)
    size, device = len(batch.ids), batch.ids.device
    texts = torch.arange(size)[workers.rank :: workers.count]
    weight = len(texts) / size
    if not weight:
        texts = torch.zeros(1, dtype=torch.int64)
    numbers = torch.full((size,), -1)
    numbers[texts] = torch.arange(len(texts))
    numbers = numbers.to(device)
    own = {task: numbers[chosen] for task, chosen in batch.rows.items()}
    places = {task: (found >= 0).nonzero().squeeze(1) for task, found in own.items()}
    part = Batch(
        batch.ids[texts.to(device)],
        batch.lengths[texts],
        {task: found[places[task]] for task, found in own.items()},
        features=None if batch.features is None else batch.features[texts.to(device)],
    )
    return Shard(part, places if weight else {task: found[:0] for task, found in places.items()}, rows, weight, workers)
