"""Fixed weights: sum_t w_t L_t."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from mtl_models.training.objectives.objective import LossWeights

__all__ = ["FixedWeights"]


class FixedWeights(LossWeights):
    """A task without a weight weighs 1, and so does a twin: weights say what tasks are worth beside one another."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self._weights = dict(weights)

    def terms(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """w_t L_t."""
        return {task: loss if self._weight(task) == 1.0 else loss * self._weight(task) for task, loss in losses.items()}

    def weights(self, tasks: Collection[str]) -> dict[str, Tensor]:
        """The weights as given."""
        return {task: torch.tensor(self._weight(task)) for task in tasks}

    def _weight(self, task: str) -> float:
        return self._weights.get(task, 1.0)
