"""Weights by homoscedastic uncertainty: sum_t exp(-s_t) L_t + s_t / 2."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_models.training.objectives.objective import LossWeights

__all__ = ["UncertaintyWeights"]


class UncertaintyWeights(LossWeights):
    """s_t = log sigma_t^2 is learned with the network, from 0 (Kendall, Gal and Cipolla 2018, equation 10; s_t as in section 3.2)."""

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        self._places = {task: place for place, task in enumerate(tasks)}
        self.log_variances = nn.ParameterList(nn.Parameter(torch.zeros(())) for _ in tasks)

    def terms(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """exp(-s_t) L_t + s_t / 2."""
        return {task: (-self._log_variance(task)).exp() * loss + self._log_variance(task) / 2 for task, loss in losses.items()}

    def weights(self, tasks: Collection[str]) -> dict[str, Tensor]:
        """exp(-s_t)."""
        return {task: (-self._log_variance(task).detach()).exp() for task in tasks}

    def _log_variance(self, task: str) -> Tensor:
        found: Tensor = self.log_variances[self._places[task]]
        return found
