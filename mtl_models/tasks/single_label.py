"""One class out of K for every text."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.tasks.missing import MISSING, mean_of_present
from mtl_models.tasks.scores.scores import scores_of, values
from mtl_models.tasks.task import Task

__all__ = ["SingleLabel"]


class SingleLabel:
    """Linear head, softmax, cross-entropy; labels are class numbers (B,) int64."""

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
        """Mean cross-entropy over the rows that have a label: row i counts w of its class, and the sum is divided by those weights.

        With smoothing s the target of a row is 1 - s on its class and s / K more on every class (Szegedy et al. 2016).
        """
        losses = F.cross_entropy(logits, labels, ignore_index=MISSING, reduction="none", label_smoothing=self.smoothing)
        return mean_of_present(losses, labels, self._row_weights(labels))

    def plain_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy over the rows that have a label."""
        return mean_of_present(F.cross_entropy(logits, labels, ignore_index=MISSING, reduction="none"), labels)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax over the classes of the logits by the temperature; single precision at least, whatever the logits came in."""
        return (logits.to(torch.promote_types(logits.dtype, torch.float32)) / self.temperature).softmax(-1)

    def decode(self, probabilities: NDArray[np.floating[Any]]) -> list[tuple[str, float | None]]:
        """The most probable class of each row of (N, K), the first of equals."""
        best = probabilities.argmax(axis=1)
        return [(self.labels[k], float(row[k])) for k, row in zip(best, probabilities, strict=True)]

    def metrics(self, gold: NDArray[Any], probabilities: NDArray[np.floating[Any]]) -> dict[str, float]:
        """Accuracy, macro-F1 over all K classes (one that is neither there nor found counts 0) and Matthews correlation."""
        return values(self.scores, np.asarray(gold), probabilities)

    def _row_weights(self, labels: Tensor) -> Tensor | None:
        """The weight of each row's class (B,)."""
        return None if self._weights is None else self._weights.to(labels.device)[labels.clamp(min=0)]
