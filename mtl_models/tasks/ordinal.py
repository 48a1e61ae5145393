"""One class out of K that have an order: a rating in bands."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.tasks.missing import mean_of_present
from mtl_models.tasks.single_label import SingleLabel

__all__ = ["CumulativeHead", "Ordinal"]


class CumulativeHead(nn.Module):
    """Features (B, F) -> logits (B, K - 1) of "above class k", k = 0 .. K - 2: one weight vector and K - 1 biases (CORAL, Cao, Mirjalili
    and Raschka 2020, section 3.3).

    The biases fall from class to class by construction, b_k = b_{k-1} - softplus(d_k), so that the probabilities of "above" do too;
    they start where every class is as likely as another.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.score = nn.Linear(features, 1, bias=False)
        start = [math.log((classes - k) / k) for k in range(1, classes)]
        steps = [math.log(math.expm1(before - after)) for before, after in pairwise(start)]
        self.first = nn.Parameter(torch.tensor(start[:1]))
        self.steps = nn.Parameter(torch.tensor(steps))

    def forward(self, features: Tensor) -> Tensor:
        """Every row of the result falls."""
        score: Tensor = self.score(features)
        falls = torch.cat([self.first, -F.softplus(self.steps)]).cumsum(0)
        return score + falls.to(score.dtype)


class Ordinal(SingleLabel):
    """Cumulative logits: K - 1 binary questions, whether the class is above 0, above 1 ..., that share one direction in the features.

    Labels are class numbers (B,) int64 in the order of the classes.
    """

    def head(self, features: int) -> nn.Module:
        """Features (B, F) -> logits (B, K - 1)."""
        return CumulativeHead(features, len(self.labels))

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean over the labelled rows of the K - 1 binary cross-entropies' sum (CORAL, eq. 4), rows weighted by their class.

        With smoothing s the target of every question moves to (1 - s) t + s / 2.
        """
        return mean_of_present(self._losses(logits, labels, self.smoothing), labels, self._row_weights(labels))

    def plain_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The same without weights and smoothing."""
        return mean_of_present(self._losses(logits, labels, 0.0), labels)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Differences of the cumulative probabilities, (B, K); single precision at least.

        The temperature divides their logarithms: dividing the logits of "above" could make another class the most probable one.
        """
        above = logits.to(torch.promote_types(logits.dtype, torch.float32)).sigmoid()
        edge = above.new_ones(len(above), 1)
        found = (torch.cat([edge, above], 1) - torch.cat([above, torch.zeros_like(edge)], 1)).clamp(min=0.0)
        found = found.pow(1.0 / self.temperature)
        return found / found.sum(1, keepdim=True)

    def _losses(self, logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        above = labels[:, None] > torch.arange(logits.shape[1], device=labels.device)
        target = above.to(logits.dtype) * (1.0 - smoothing) + smoothing / 2.0
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(1)
