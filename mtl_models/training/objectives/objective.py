"""What every objective is: weights on the tasks' losses, or on their gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_models.training.history import EpochRecord

__all__ = ["GradientMethod", "LossWeights", "Objective"]


class Objective(nn.Module):
    """What an update minimises. Parameters, if it has any, are trained, kept in checkpoints and moved to the device with the network's.

    With one task every objective is that task's loss, but for a factor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tasks: tuple[str, ...] = ()

    def begin_epoch(self, tasks: Collection[str], records: Sequence[EpochRecord]) -> None:  # noqa: ARG002 (for those that look back)
        """Train on `tasks` from here; `records` are those of all epochs before. Any state but parameters follows from these two."""
        self.tasks = tuple(tasks)


class LossWeights(Objective, ABC):
    """A weight on every task's loss."""

    @abstractmethod
    def terms(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Task -> what its mean loss, a scalar, adds to the objective."""

    @abstractmethod
    def weights(self, tasks: Collection[str]) -> dict[str, Tensor]:
        """Task -> the present factor on its loss, a scalar without a graph."""


class GradientMethod(Objective, ABC):
    """A combination of the tasks' gradients on the shared parameters, whose factors follow from their inner products."""

    @abstractmethod
    def combination(self, gramian: Tensor) -> Tensor:
        """Factors (T,) of T >= 2 gradients, from their inner products (T, T) in float64, on the CPU, with trace 1."""

    def weights(self, gramian: Tensor) -> Tensor:
        """Factors (T,) of the gradients with these inner products (T, T): 1 for a single one, and where all are zero."""
        gramian = gramian.detach().to("cpu", torch.float64)
        trace = gramian.trace()
        if len(gramian) == 1 or trace == 0.0:
            return torch.ones(len(gramian), dtype=torch.float64)
        return self.combination(gramian / trace)
