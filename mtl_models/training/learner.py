"""One update: losses of a batch, gradients by the objective, a step of the optimizer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from mtl_models.config.training import Training
from mtl_models.networks.network import Batch, Network
from mtl_models.tasks.kind import Kind
from mtl_models.tasks.missing import labelled_rows
from mtl_models.tasks.structure import Structure
from mtl_models.training.batches import by_task
from mtl_models.training.distributed import ALONE, Workers
from mtl_models.training.freezing import Freezing
from mtl_models.training.gradients import SharedGradients, gradients_of
from mtl_models.training.history import EpochRecord
from mtl_models.training.objectives.combining import mean_over_rows, mean_over_tasks
from mtl_models.training.objectives.objective import GradientMethod, LossWeights, Objective
from mtl_models.training.regularisation import SuccessiveRegularisation
from mtl_models.training.shards import shard_of
from mtl_models.training.summing import GradientSum

__all__ = ["Learner", "Updated"]


@dataclass(frozen=True)
class Updated:
    """What one update says, all still on the device, so that nothing waits for it."""

    losses: dict[str, Tensor]
    """Task -> un-weighted mean loss of its labelled rows."""
    rows: dict[str, int]
    """Task -> labelled rows."""
    weights: dict[str, Tensor]
    """Task -> the objective's factor on its loss, or its gradient."""


@dataclass(frozen=True)
class Learner:
    """A network (on the accelerator's device) with what moves it; `optimizers` task -> its optimizer, one for all or one for each.

    Where there are several `workers`, each has a learner; they get the same batches and make the same updates.
    """

    network: Network
    kinds: Mapping[str, Kind | Structure]
    training: Training
    objective: Objective
    optimizers: Mapping[str, torch.optim.Optimizer]
    accelerator: Accelerator
    freezing: Freezing | None = None
    workers: Workers = ALONE
    _held: SuccessiveRegularisation | None = field(init=False)
    _sum: GradientSum = field(init=False)

    def __post_init__(self) -> None:
        delta = self.training.successive_regularisation
        object.__setattr__(self, "_held", None if delta is None else SuccessiveRegularisation(self.network, delta))
        object.__setattr__(self, "_sum", GradientSum(self.network, self.workers))

    def begin_epoch(self, tasks: Collection[str], records: Sequence[EpochRecord]) -> None:
        """Train on `tasks` from here; `records` are those of the epochs before."""
        self.workers.same(self.network)
        self.workers.same(self.objective)
        self.objective.begin_epoch(tasks, records)
        if self.freezing is not None:
            self.freezing.apply(self.network, len(records) + 1)
        if self._held is not None:
            self._held.begin_epoch()

    def set_rate(self, rate: float) -> None:
        """Give every optimizer the learning rate of the next update, scaled for the layers that have one of their own."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate * group["scale"]

    def update(self, batch: Batch) -> Updated:
        """Move the weights once."""
        rows = {task: labelled_rows(labels) for task, labels in batch.labels.items()}
        batch = batch.to(self.accelerator.device)
        if isinstance(self.objective, GradientMethod):
            losses, weights = self._backward_of_gradients(self.objective, batch, rows)
        else:
            assert isinstance(self.objective, LossWeights)
            losses, weights = self._backward_of_losses(self.objective, batch, rows)
        task = next(iter(batch.labels))
        if self._held is not None:
            self._held.pull(task)
        if self.training.clip is not None:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.training.clip)
        self.optimizers[task].step()
        self.optimizers[task].zero_grad(set_to_none=True)
        return Updated(losses, rows, weights)

    def gramian(self, batch: Batch) -> tuple[list[str], Tensor]:
        """The tasks in `batch` and the inner products of their gradients (un-weighted losses, shared parameters); nothing moves.

        The random state is as before afterwards, so that a training that is measured and one that is not give the same weights.
        """
        devices = [self.accelerator.device] if self.accelerator.device.type == "cuda" else []
        gradients = SharedGradients(self.network)
        if not gradients.parameters:  # all that tasks share is frozen
            return [], torch.zeros(0, 0)
        with torch.random.fork_rng(devices):
            for part in by_task(batch.to(self.accelerator.device)).values():
                losses, _ = self._losses(part)
                (loss,) = losses.values()
                gradients.append(self._sum.of(gradients.parameters, gradients_of(loss, gradients.parameters)))
        return list(batch.rows), gradients.gramian()

    def _losses(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor | None]:
        """The losses of the whole batch, and this process's part of its penalty; their gradients are those of this process's rows."""
        shard = shard_of(batch, self.workers)
        with self.accelerator.autocast():
            output = self.network(shard.batch)
        logits = shard.whole(output.logits)
        penalty = output.penalty if output.penalty is None or shard.weight == 1.0 else output.penalty * shard.weight
        return {task: self.kinds[task].loss(_precise(logits[task]), labels) for task, labels in batch.labels.items()}, penalty

    def _backward_of_losses(
        self, objective: LossWeights, batch: Batch, rows: Mapping[str, int]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Gradients of the weighted mean: over rows, or over tasks where updates aggregate them."""
        losses, penalty = self._losses(batch)
        mean = mean_over_tasks if self.training.updates == "aggregate" else mean_over_rows
        total = mean(objective.terms(losses), rows)
        weights = objective.weights(losses)
        total = total if penalty is None else total + penalty
        if total.requires_grad:  # else these rows are of tasks of which nothing moves yet
            self.accelerator.backward(total)
        self._sum.add_up(self.network.parameters())
        return {task: loss.detach() for task, loss in losses.items()}, weights

    def _backward_of_gradients(
        self, method: GradientMethod, batch: Batch, rows: Mapping[str, int]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Combined gradients on shared parameters, every task's own on what it owns.

        A task at a time, which costs one pass over its rows; a penalty of the network counts as part of the task's loss.
        """
        shared = SharedGradients(self.network)
        own = _others(self.network, shared)
        found: dict[str, Tensor] = {}
        parts = by_task(batch)
        for task, part in parts.items():
            losses, penalty = self._losses(part)
            found[task] = losses[task].detach()
            if rows[task] == 0:
                continue
            parameters = shared.parameters + own
            gradients = self._sum.of(parameters, gradients_of(losses[task] if penalty is None else losses[task] + penalty, parameters))
            shared.append(gradients[: len(shared.parameters)])
            for parameter, gradient in zip(own, gradients[len(shared.parameters) :], strict=True):
                if gradient is not None:
                    parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        weights = self.workers.agreed(method.weights(shared.gramian()))  # some draw at random
        shared.accumulate(weights)
        labelled = [task for task in parts if rows[task] > 0]
        return found, dict(zip(labelled, weights, strict=True))


def _precise(logits: Any) -> Any:
    """In single precision; what heads of kinds on words give is that already."""
    return logits.float() if isinstance(logits, Tensor) else logits


def _others(network: Network, shared: SharedGradients) -> list[torch.nn.Parameter]:
    known = {id(parameter) for parameter in shared.parameters}
    return [parameter for parameter in network.parameters() if parameter.requires_grad and id(parameter) not in known]
