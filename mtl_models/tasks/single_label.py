"""One class out of K for every text."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.tasks.missing import MISSING, mean_of_present, present
from mtl_models.tasks.task import Task

__all__ = ["SingleLabel"]


class SingleLabel:
    """Linear head, softmax, cross-entropy; labels are class numbers (B,) int64."""

    def __init__(self, task: Task) -> None:
        self.labels = task.labels

    def head(self, features: int) -> nn.Module:
        """Features (B, F) -> logits (B, K)."""
        return nn.Linear(features, len(self.labels))

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy over the rows that have a label."""
        return mean_of_present(F.cross_entropy(logits, labels, ignore_index=MISSING, reduction="none"), labels)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax over the classes; single precision at least, whatever the logits came in."""
        return logits.to(torch.promote_types(logits.dtype, torch.float32)).softmax(-1)

    def decode(self, probabilities: NDArray[np.floating[Any]]) -> list[tuple[str, float]]:
        """The most probable class of each row of (N, K), the first of equals."""
        best = probabilities.argmax(axis=1)
        return [(self.labels[k], float(row[k])) for k, row in zip(best, probabilities, strict=True)]

    def metrics(self, gold: NDArray[np.integer[Any]], probabilities: NDArray[np.floating[Any]]) -> dict[str, float]:
        """Accuracy, macro-F1 over all K classes (0 for a class neither found nor there), Matthews correlation; NaN without a label."""
        from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef  # a second of import that prediction need not pay

        there = present(gold)
        if not there.any():
            return dict.fromkeys(("accuracy", "macro_f1", "mcc"), float("nan"))
        true, found = np.asarray(gold)[there], probabilities[there].argmax(axis=1)
        classes = range(len(self.labels))
        return {
            "accuracy": float(accuracy_score(true, found)),
            "macro_f1": float(f1_score(true, found, labels=list(classes), average="macro", zero_division=0)),
            "mcc": float(matthews_corrcoef(true, found)),
        }
