"""The training loop as a generator of states: it moves the weights and says what happened.

Evaluation, checkpoints and tracking live outside.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mtl_models.errors import PolytaskError
from mtl_models.networks.network import Batch
from mtl_models.progress import progress
from mtl_models.training.batches import collate
from mtl_models.training.conflicts import ConflictTally
from mtl_models.training.cutting import Rows
from mtl_models.training.encoding import EncodedSplit
from mtl_models.training.epoch_batches import EpochBatches, aggregated_batches, mixed_batches, single_task_batches
from mtl_models.training.history import EpochRecord
from mtl_models.training.learner import Learner, Updated
from mtl_models.training.samplers.draw import draw
from mtl_models.training.samplers.quotas import count_updates
from mtl_models.training.schedule import rate_factor
from mtl_models.training.seeds import derived_seed, generator

__all__ = ["Loop", "TrainedEpoch"]


@dataclass(frozen=True)
class TrainedEpoch:
    """The state after one epoch of updates; the fields are those of `EpochRecord`, `seconds` without evaluation."""

    epoch: int
    updates: int
    seconds: float
    learning_rate: float
    losses: dict[str, float]
    examples: dict[str, int]
    padded: float
    weights: dict[str, float]
    conflicts: dict[str, float]


@dataclass(frozen=True)
class Loop:
    """What a training needs: who learns, the train split of every task, a seed; `label` begins its lines."""

    learner: Learner
    splits: Mapping[str, EncodedSplit]
    seed: int
    label: str

    def states(self, records: Sequence[EpochRecord], stopped: Callable[[], Collection[str]]) -> Iterator[TrainedEpoch]:
        """Train epoch after epoch and yield after each; `records` are those of the epochs before, to which the caller adds each new one.

        `stopped` is asked before every epoch which tasks give no more batches; it ends when that is all of them, or with the last epoch.
        All randomness of an epoch comes from the seed and its number, so that an epoch taken up after an interruption is the same epoch.
        """
        for epoch in range(len(records) + 1, self.learner.training.epochs + 1):
            active = [task for task in self.splits if task not in stopped()]
            if not active:
                return
            self.learner.begin_epoch(active, records)
            yield self._epoch(epoch, records[-1].updates if records else 0, active)

    def _epoch(self, epoch: int, updates: int, active: Collection[str]) -> TrainedEpoch:
        began = time.perf_counter()
        learner, training = self.learner, self.learner.training
        rank = learner.workers.rank  # other rows, other dropout
        torch.manual_seed(derived_seed(self.seed, "epoch", epoch, *([rank] if rank else [])))
        drawn = draw(training, {task: len(split) for task, split in self.splits.items()}, epoch, self.seed)
        planned = count_updates(training, {task: len(chosen) for task, chosen in drawn.items()})
        drawn = {task: chosen for task, chosen in drawn.items() if task in active}
        batches = self._batches(drawn, planned, epoch)
        tally, conflicts = _Tally(drawn, learner.accelerator.device), ConflictTally()
        learner.network.train()
        bar = progress(batches, f"{self.label} epoch {epoch}/{training.epochs}", total=len(batches), unit="batches")
        for number, batch in enumerate(bar):
            # Fewer batches, because tasks have stopped, do not stretch the schedule: it follows the epochs.
            update = (epoch - 1) * planned + number * planned // len(batches)
            rate = training.learning_rate * rate_factor(update, training.epochs * planned, training.warmup, training.decay)
            if training.conflicts_every is not None and (updates + number) % training.conflicts_every == 0 and len(active) > 1:
                conflicts.add(*learner.gramian(self._of_every_task(batch, drawn, epoch, number)))
            learner.set_rate(rate)
            tally.add(learner.update(batch))
        losses = tally.losses()
        _refuse_divergence(losses, epoch)
        return TrainedEpoch(
            epoch=epoch,
            updates=updates + len(batches),
            seconds=time.perf_counter() - began,
            learning_rate=rate,
            losses=losses,
            examples={task: len(chosen) for task, chosen in drawn.items()},
            padded=batches.padded,
            weights=tally.weights(),
            conflicts=conflicts.means(),
        )

    def _batches(self, drawn: Mapping[str, Rows], planned: int, epoch: int) -> EpochBatches:
        training, random = self.learner.training, generator(self.seed, "batches", epoch)
        match training.updates:
            case "mixed":
                return mixed_batches(self.splits, drawn, training.batch_size, random, tokens=training.batch_tokens)
            case "single_task":
                name = training.sampler.name
                order = name if name in ("sequential", "round_robin") else "shuffled"
                return single_task_batches(self.splits, drawn, training.batch_size, random, order, training.batch_tokens)
            case "aggregate":
                return aggregated_batches(self.splits, drawn, planned, random)

    def _of_every_task(self, batch: Batch, drawn: Mapping[str, Rows], epoch: int, number: int) -> Batch:
        """What conflicts are measured on: the batch itself, or where it has one task only as many rows, dealt to all tasks."""
        if self.learner.training.updates != "single_task":
            return batch
        random = generator(self.seed, "conflicts", epoch, number)
        each = max(1, len(batch.ids) // len(drawn))
        return collate(
            self.splits, {task: np.sort(random.choice(rows, min(each, len(rows)), replace=False)) for task, rows in drawn.items()}
        )


class _Tally:
    """Sums over an epoch of losses and weights, kept in double precision on the device and read once."""

    def __init__(self, tasks: Collection[str], device: torch.device) -> None:
        self._losses = {task: torch.zeros((), dtype=torch.float64, device=device) for task in tasks}
        self._weights = {task: torch.zeros((), dtype=torch.float64, device=device) for task in tasks}
        self._rows = dict.fromkeys(tasks, 0)
        self._updates = dict.fromkeys(tasks, 0)

    def add(self, updated: Updated) -> None:
        for task, loss in updated.losses.items():
            self._losses[task].add_(loss, alpha=updated.rows[task])
            self._rows[task] += updated.rows[task]
        for task, weight in updated.weights.items():
            self._weights[task].add_(weight)
            self._updates[task] += 1

    def losses(self) -> dict[str, float]:
        """Mean over the labelled rows."""
        return {task: total.item() / max(1, self._rows[task]) for task, total in self._losses.items()}

    def weights(self) -> dict[str, float]:
        """Mean over the updates; a task without any is missing."""
        return {task: total.item() / self._updates[task] for task, total in self._weights.items() if self._updates[task]}


def _refuse_divergence(losses: Mapping[str, float], epoch: int) -> None:
    for task, loss in losses.items():
        if not math.isfinite(loss):
            raise PolytaskError(
                f"training diverged: the loss of task '{task}' is {loss} in epoch {epoch}; "
                "lower training.learning_rate, or set training.clip"
            )
