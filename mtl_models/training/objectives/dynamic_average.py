"""Dynamic weight average: a task whose loss falls slowly weighs more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from mtl_models.training.history import EpochRecord
from mtl_models.training.objectives.objective import LossWeights

__all__ = ["DynamicAverage", "dynamic_average"]


class DynamicAverage(LossWeights):
    """w_t = T softmax(r_t / tau) with r_t = L_t(e-1) / L_t(e-2), the mean training losses of the two epochs before.

    Liu, Johns and Davison 2019, equation 7. 1 in the first two epochs; T counts the tasks that still train.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self._temperature = temperature
        self._weights: dict[str, float] = {}

    def begin_epoch(self, tasks: Collection[str], records: Sequence[EpochRecord]) -> None:
        """Weights from the losses in `records`."""
        super().begin_epoch(tasks, records)
        self._weights = dynamic_average(self.tasks, [record.train_loss for record in records], self._temperature)

    def terms(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """w_t L_t."""
        return {task: loss * self._weights[task] for task, loss in losses.items()}

    def weights(self, tasks: Collection[str]) -> dict[str, Tensor]:
        """w_t of this epoch."""
        return {task: torch.tensor(self._weights[task]) for task in tasks}


def dynamic_average(tasks: Sequence[str], losses: Sequence[Mapping[str, float]], temperature: float) -> dict[str, float]:
    """Task -> weight for the epoch after `losses`, epoch by epoch task -> mean loss; the weights sum to the number of tasks."""
    if len(losses) < 2:
        return dict.fromkeys(tasks, 1.0)
    last, before = losses[-1], losses[-2]
    falls = [last[task] / before[task] if before.get(task) and task in last else 1.0 for task in tasks]
    weights = len(tasks) * torch.tensor(falls, dtype=torch.float64).div(temperature).softmax(0)
    return dict(zip(tasks, weights.tolist(), strict=True))
