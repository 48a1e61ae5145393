"""Any number of K labels for every text."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.corpora.labels import joined
from mtl_models.tasks.missing import mean_of_present
from mtl_models.tasks.scores.scores import scores_of, values
from mtl_models.tasks.task import Task

__all__ = ["MultiLabel"]


class MultiLabel:
    """Linear head, a sigmoid and a binary cross-entropy per label; labels are 1, 0 or `MISSING`, (B, K) int64."""

    def __init__(self, task: Task) -> None:
        self.labels = task.labels
        self.smoothing = task.label_smoothing
        self.temperature = task.temperature
        self.scores = scores_of(task.kind, len(task.labels))
        self._weights = None if task.class_weights is None else torch.tensor(task.class_weights)

    def head(self, features: int) -> nn.Module:
        """Features (B, F) -> logits (B, K)."""
        return nn.Linear(features, len(self.labels))

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean binary cross-entropy over all labels of all rows that are there.

        A label that the text has counts its weight, one that it has not counts 1, and the sum is divided by those weights.
        With smoothing s targets move to (1 - s) t + s / 2.
        """
        weights = None if self._weights is None else torch.where(labels == 1, self._weights.to(labels.device), 1.0)
        return mean_of_present(self._losses(logits, labels, self.smoothing), labels, weights)

    def plain_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean binary cross-entropy over all labels of all rows that are there."""
        return mean_of_present(self._losses(logits, labels, 0.0), labels)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Sigmoid of each label's logit by the temperature; single precision at least."""
        return (logits.to(torch.promote_types(logits.dtype, torch.float32)) / self.temperature).sigmoid()

    def decode(self, probabilities: NDArray[np.floating[Any]]) -> list[tuple[str, float | None]]:
        """The labels with a probability of one half or more, as one text, and the probability of just this set, the labels independent."""
        chosen = self.scores.answers(probabilities) == 1
        sure = np.where(chosen, probabilities, 1.0 - probabilities).prod(axis=1)
        names = np.array(self.labels, dtype=object)
        return [(joined(names[row]), float(confidence)) for row, confidence in zip(chosen, sure, strict=True)]

    def metrics(self, gold: NDArray[Any], probabilities: NDArray[np.floating[Any]]) -> dict[str, float]:
        """Accuracy of whole sets; macro-F1 and Matthews correlation as means over the labels; micro-F1."""
        return values(self.scores, np.asarray(gold), probabilities)

    @staticmethod
    def _losses(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        target = labels.clamp(min=0).to(logits.dtype) * (1.0 - smoothing) + smoothing / 2.0
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none")
