"""What every network is: token ids in, one set of logits per task out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from mtl_models.layers.by_name import ModulesByName
from mtl_models.layers.embeddings import Embeddings
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import PAD

__all__ = ["PAD", "Batch", "Network", "evaluating"]


@dataclass(frozen=True)
class Batch:
    """Texts of one or several tasks, padded to the longest of them.

    `ids` (B, n) int64, each row in the vocabulary of the tasks that ask for it; `lengths` (B,) int64, at least 1, on the CPU;
    `rows` task -> (B_t,) indices of the rows whose logits are wanted; `labels` task -> (B_t,) int64, absent for prediction.
    """

    ids: Tensor
    lengths: Tensor
    rows: Mapping[str, Tensor]
    labels: Mapping[str, Tensor] = field(default_factory=dict)

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device` (lengths stay on the CPU, where packing wants them)."""
        return Batch(
            self.ids.to(device, non_blocking=True),
            self.lengths,
            {task: rows.to(device, non_blocking=True) for task, rows in self.rows.items()},
            {task: labels.to(device, non_blocking=True) for task, labels in self.labels.items()},
        )


class Network(nn.Module, ABC):
    """An encoder that tasks share and one head per task, in `heads[task]`; the parameters under `heads` and the rest are disjoint.

    The logits of a row depend neither on padding nor on the other rows of its batch.
    """

    embeddings: Embeddings
    """The word vectors, one table per vocabulary."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.heads = ModulesByName()

    @abstractmethod
    def encode(self, batch: Batch) -> Tensor:
        """Features (B, F) of every row."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Task -> logits (B_t, K_t) of the rows `batch.rows[task]`."""
        features = self.encode(batch)
        return {task: self.heads[task](features[rows]) for task, rows in batch.rows.items()}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Inside the block nothing is dropped and no gradient is kept; afterwards every module is in the mode it had."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
