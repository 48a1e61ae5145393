"""A number for every text."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.tasks.missing import mean_of_present
from mtl_models.tasks.scores.scores import scores_of, values
from mtl_models.tasks.task import Task

__all__ = ["Rating"]


class Rating:
    """Linear head with one output, in deviations from the mean of the train split's ratings; labels are numbers (B,), NaN where missing."""

    def __init__(self, task: Task) -> None:
        self.mean, self.deviation = task.mean, task.deviation
        self.scores = scores_of(task.kind, len(task.labels))

    def head(self, features: int) -> nn.Module:
        """Features (B, F) -> logits (B, 1), standardised ratings."""
        return nn.Linear(features, 1)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean Huber loss of standardised ratings: squared up to one standard deviation, linear beyond."""
        target = ((labels - self.mean) / self.deviation).nan_to_num().to(logits.dtype)
        return mean_of_present(F.huber_loss(logits[:, 0], target, reduction="none"), labels)

    def plain_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The same; a rating has no classes to weigh."""
        return self.loss(logits, labels)

    def probabilities(self, logits: Tensor) -> Tensor:
        """No probabilities: the rating itself, (B, 1); single precision at least."""
        return logits.to(torch.promote_types(logits.dtype, torch.float32)) * self.deviation + self.mean

    def decode(self, probabilities: NDArray[np.floating[Any]]) -> list[tuple[str, float | None]]:
        """The rating as text, two decimals, and None: a number says nothing about how sure it is."""
        return [(f"{value:.2f}", None) for value in probabilities[:, 0]]

    def metrics(self, gold: NDArray[Any], probabilities: NDArray[np.floating[Any]]) -> dict[str, float]:
        """Pearson's r, also under the names of the metrics that every kind has; mean absolute and root mean squared error."""
        return values(self.scores, np.asarray(gold), probabilities)
