"""What every network is: token ids in, one set of logits per task out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mtl_models.layers.by_name import ModulesByName
from mtl_models.layers.embeddings import Embeddings
from mtl_models.networks.backbone import Backbone
from mtl_models.networks.shared_heads import SharedHeads
from mtl_models.tasks.task import Task
from mtl_models.text.vocabulary import PAD

__all__ = ["PAD", "Batch", "Network", "Output", "SharedEncoder", "Words", "evaluating"]


@dataclass(frozen=True)
class Words:
    """Where the words of a batch of texts lie, for networks that read word by word.

    `lengths` (B,) int64, words of every text, at least 1, on the CPU; `first` (B, n) int64, the place of each word's first id in its row of
    ids, 0 on padding; `letters` (B, n, C) int64, bytes plus one and zeros behind, None where nobody reads them;
    `beside` (B, n) int64, the words' ids in the vocabulary beside that of a backbone, 0 on padding, None where there is none;
    `states` (B, n, F), zero on padding, where a backbone that does not move has read the texts before.
    """

    lengths: Tensor
    first: Tensor
    letters: Tensor | None
    beside: Tensor | None = None
    states: Tensor | None = None

    def to(self, device: torch.device) -> Words:
        """The same on `device`."""
        known = (self.letters, self.beside, self.states)
        return Words(
            self.lengths,
            self.first.to(device, non_blocking=True),
            *(None if found is None else found.to(device, non_blocking=True) for found in known),
        )

    def part(self, chosen: Tensor) -> Words:
        """Those of the texts `chosen` (b,), indices on the CPU, padded to the longest of them."""
        lengths, places = self.lengths[chosen], chosen.to(self.first.device)
        longest = int(lengths.max())
        known = (self.letters, self.beside, self.states)
        return Words(lengths, self.first[places, :longest], *(None if found is None else found[places, :longest] for found in known))


@dataclass(frozen=True)
class Batch:
    """Texts of one or several tasks, padded to the longest of them.

    `ids` (B, n) int64, each row in the vocabulary of the tasks that ask for it; `lengths` (B,) int64, at least 1, on the CPU;
    `rows` task -> (B_t,) indices of the rows whose logits are wanted; `labels` task -> (B_t,) int64, (B_t, M, W) of annotations, absent for
    prediction; `features` (B, F), where an encoder that does not move has read the texts before; `words`, where the network reads word by
    word: the ids are then those of the words, or of their pieces, and nothing else.
    """

    ids: Tensor
    lengths: Tensor
    rows: Mapping[str, Tensor]
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    features: Tensor | None = None
    words: Words | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device` (lengths stay on the CPU, where packing wants them)."""
        return Batch(
            self.ids.to(device, non_blocking=True),
            self.lengths,
            {task: rows.to(device, non_blocking=True) for task, rows in self.rows.items()},
            {task: labels.to(device, non_blocking=True) for task, labels in self.labels.items()},
            None if self.features is None else self.features.to(device, non_blocking=True),
            None if self.words is None else self.words.to(device),
        )

    def part(self, chosen: Tensor) -> Batch:
        """The texts `chosen` (b,), indices on the CPU, padded to the longest of them; every task keeps the rows that are among them."""
        lengths, device = self.lengths[chosen], self.ids.device
        places = torch.full((len(self.ids),), -1, device=device)
        places[chosen.to(device)] = torch.arange(len(chosen), device=device)
        found = {task: places[rows] for task, rows in self.rows.items()}
        kept = {task: rows >= 0 for task, rows in found.items() if bool((rows >= 0).any())}
        return Batch(
            self.ids[chosen.to(device), : int(lengths.max())],
            lengths,
            {task: found[task][there] for task, there in kept.items()},
            {task: self.labels[task][there] for task, there in kept.items() if task in self.labels},
            None if self.features is None else self.features[chosen.to(device)],
            None if self.words is None else self.words.part(chosen),
        )


@dataclass(frozen=True)
class Output:
    """What a network says of a batch.

    `logits` task -> (B_t, K_t), for the rows `batch.rows[task]`, or what the head of a kind on words gives; `penalty` a scalar that
    training adds to the loss as it stands (already weighted), None where the network has none or is not training.
    """

    logits: Mapping[str, Any]
    penalty: Tensor | None = None


class Network(nn.Module, ABC):
    """Weights that tasks share, and one module per task, `heads[task]`, that holds everything the task owns alone.

    The logits of a row depend neither on padding nor on the other rows of its batch.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.heads = ModulesByName()
        self.embeddings: Embeddings | None = None

    @abstractmethod
    def forward(self, batch: Batch) -> Output:
        """The logits of every task for the rows it asks for."""

    def start_like_others(self, task: str) -> None:
        """Give a new task what the others have learned on average, where a network has that; a linear head begins at random."""

    def owned_by(self, tasks: Collection[str]) -> tuple[str, ...]:
        """Beginnings of the names of all weights that `tasks` alone own: their heads, and words that no other task reads."""
        heads = (f"heads.{task}." for task in tasks)
        if self.embeddings is None:
            return tuple(heads)
        readers = self.embeddings.vocabulary_of
        others = {vocabulary for task, vocabulary in readers.items() if task not in tasks}
        words = (f"embeddings.tables.{name}." for name in self.embeddings.tables if name not in others)
        return (*heads, *words)

    def starting_weights(self) -> Mapping[str, Tensor | Backbone]:
        """Vocabulary -> what `build_network` wants for another network of this form."""
        assert self.embeddings is not None, "a network without word vectors says what it begins with"
        return self.embeddings.matrices()

    def encoder_parts(self) -> list[nn.Module]:
        """The parts with weights that are no heads, from the one nearest to the heads down to the words."""
        parts = [
            module
            for name, module in self.named_children()
            if name not in ("heads", "shared_heads") and any(True for _ in module.parameters())
        ]
        return parts[::-1]

    def shared_parameters(self) -> list[nn.Parameter]:
        """The trainable parameters that at least two tasks may move, in the order of `parameters()`."""
        owned = tuple(name for task in self.tasks for name in self.owned_by([task.name]))
        return [p for name, p in self.named_parameters() if p.requires_grad and not name.startswith(owned)]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device


class SharedEncoder(Network):
    """A network whose encoder knows no tasks: every row is encoded once, whichever and however many tasks ask for it."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__(tasks)
        self.shared_heads: SharedHeads | None = None

    def owned_by(self, tasks: Collection[str]) -> tuple[str, ...]:
        """With the shared output layers of labels that no other task has."""
        shared = () if self.shared_heads is None else self.shared_heads.owned_by(tasks)
        return (*super().owned_by(tasks), *(f"shared_heads.{name}" for name in shared))

    @abstractmethod
    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Features (B, F) of every row, and the penalty of `Output`."""

    def pooled(self, batch: Batch, task: str | None = None) -> Tensor:  # noqa: ARG002  # for encoders with a part per task
        """The vector (B, F) of every row; in evaluation mode, as the heads read it. `task` chooses what an encoder has for it alone."""
        return self.encode(batch)[0]

    def forward(self, batch: Batch) -> Output:
        """One pass of the encoder, then every head on its rows."""
        features, penalty = self.encode(batch)
        return Output({task: self._logits(task, features[rows]) for task, rows in batch.rows.items()}, penalty)

    def _logits(self, task: str, features: Tensor) -> Tensor:
        own: Tensor = self.heads[task](features)
        return own if self.shared_heads is None else own + self.shared_heads(task, features)


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
