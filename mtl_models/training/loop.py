"""The training loop as a generator of states: it moves the weights and says what happened.

Evaluation, checkpoints and tracking live outside.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor

from mtl_models.config.training import Training
from mtl_models.errors import PolytaskError
from mtl_models.networks.network import Batch, Network
from mtl_models.progress import progress
from mtl_models.tasks.kind import MISSING, Kind
from mtl_models.training.batches import EpochBatches
from mtl_models.training.encoding import EncodedSplit
from mtl_models.training.objective import mean_over_rows
from mtl_models.training.samplers.build import build_sampler
from mtl_models.training.samplers.draw import draw
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


@dataclass(frozen=True)
class Loop:
    """What a training needs: the network (on the accelerator's device) and its tasks' kinds, the train splits, the budget, a seed."""

    network: Network
    kinds: Mapping[str, Kind]
    splits: Mapping[str, EncodedSplit]
    training: Training
    seed: int
    optimizer: torch.optim.Optimizer
    accelerator: Accelerator
    label: str

    def states(self, done: int, updates: int, stopped: Callable[[], Collection[str]]) -> Iterator[TrainedEpoch]:
        """Train epoch after epoch and yield after each; `done` epochs of `updates` updates lie behind the weights and the optimizer.

        `stopped` is asked before every epoch which tasks give no more batches; it ends when that is all of them, or with the last epoch.
        All randomness of an epoch comes from the seed and its number, so that an epoch taken up after an interruption is the same epoch.
        """
        for epoch in range(done + 1, self.training.epochs + 1):
            active = [task for task in self.splits if task not in stopped()]
            if not active:
                return
            trained = self._epoch(epoch, updates, active)
            updates = trained.updates
            yield trained

    def _epoch(self, epoch: int, updates: int, active: Collection[str]) -> TrainedEpoch:
        began = time.perf_counter()
        torch.manual_seed(derived_seed(self.seed, "epoch", epoch))
        rows = {task: len(split) for task, split in self.splits.items()}
        drawn = draw(build_sampler(self.training.sampler), rows, epoch, self.training.epochs, self.seed)
        planned = math.ceil(sum(len(chosen) for chosen in drawn.values()) / self.training.batch_size)
        drawn = {task: chosen for task, chosen in drawn.items() if task in active}
        batches = EpochBatches(self.splits, drawn, self.training.batch_size, generator(self.seed, "batches", epoch))
        tally = _Tally(drawn, self.accelerator.device)
        self.network.train()
        bar = progress(batches, f"{self.label} epoch {epoch}/{self.training.epochs}", total=len(batches), unit="batches")
        for number, batch in enumerate(bar):
            # Fewer batches, because tasks have stopped, do not stretch the schedule: it follows the epochs.
            rate = self._set_rate((epoch - 1) * planned + number * planned // len(batches), self.training.epochs * planned)
            counts = {task: int((labels != MISSING).sum()) for task, labels in batch.labels.items()}
            tally.add(self._update(batch, counts), counts)
        losses = tally.means()
        _refuse_divergence(losses, epoch)
        return TrainedEpoch(
            epoch=epoch,
            updates=updates + len(batches),
            seconds=time.perf_counter() - began,
            learning_rate=rate,
            losses=losses,
            examples={task: len(chosen) for task, chosen in drawn.items()},
            padded=batches.padded,
        )

    def _set_rate(self, update: int, updates: int) -> float:
        training = self.training
        rate = training.learning_rate * rate_factor(update, updates, training.warmup, training.decay)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _update(self, batch: Batch, counts: Mapping[str, int]) -> dict[str, Tensor]:
        """One update; returns the un-weighted loss of each task in the batch, still on the device, so that nothing waits for it."""
        batch = batch.to(self.accelerator.device)
        with self.accelerator.autocast():
            output = self.network(batch)
        losses = {task: self.kinds[task].loss(output.logits[task].float(), labels) for task, labels in batch.labels.items()}
        total = mean_over_rows(losses, counts)
        self.accelerator.backward(total if output.penalty is None else total + output.penalty)
        if self.training.clip is not None:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.training.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {task: loss.detach() for task, loss in losses.items()}


class _Tally:
    """Sums of losses over labelled rows, kept in double precision on the device and read once an epoch."""

    def __init__(self, tasks: Collection[str], device: torch.device) -> None:
        self._sums = {task: torch.zeros((), dtype=torch.float64, device=device) for task in tasks}
        self._rows = dict.fromkeys(tasks, 0)

    def add(self, losses: Mapping[str, Tensor], rows: Mapping[str, int]) -> None:
        for task, loss in losses.items():
            self._sums[task].add_(loss, alpha=rows[task])
            self._rows[task] += rows[task]

    def means(self) -> dict[str, float]:
        return {task: total.item() / max(1, self._rows[task]) for task, total in self._sums.items()}


def _refuse_divergence(losses: Mapping[str, float], epoch: int) -> None:
    for task, loss in losses.items():
        if not math.isfinite(loss):
            raise PolytaskError(
                f"training diverged: the loss of task '{task}' is {loss} in epoch {epoch}; "
                "lower training.learning_rate, or set training.clip"
            )
