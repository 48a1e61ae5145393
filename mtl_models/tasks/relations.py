"""Pairs of spans of words, each in one of K relations: who lives where, who kills whom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.tasks.found import Found
from mtl_models.tasks.scores.scores import scores_of, values
from mtl_models.tasks.task import Task

__all__ = ["WINDOW", "PairScorer", "PairScores", "Relations"]

WINDOW = 128
"""Words of a block; only pairs within a block are scored, so that time and memory are linear in the length of a text."""

_HIDDEN = 100
_PRIOR = 0.01
"""How likely any relation between any two words is to begin with."""


@dataclass(frozen=True)
class PairScores:
    """The logits of every relation between every two words of a block, N blocks of w words."""

    logits: Tensor
    """(B, N, w, w, K): of block, word of the head, word of the tail, relation."""
    mask: Tensor
    """(B, n) bool, True on words."""

    @property
    def there(self) -> Tensor:
        """(B, N, w, w) True where both are words."""
        words = F.pad(self.mask, (0, self.logits.shape[1] * self.window - self.mask.shape[1])).view(*self.logits.shape[:3])
        found: Tensor = words.unsqueeze(3) & words.unsqueeze(2)
        return found

    @property
    def window(self) -> int:
        """Words of a block."""
        return self.logits.shape[2]


class PairScorer(nn.Module):
    """score_r(i, j) = v_r . relu(U h_i + W h_j + b) + c_r (Bekoulis et al. 2018, section 3.4; Sanh, Wolf and Ruder 2019).

    c_r is ours: it begins where next to nothing is a relation, as nearly nothing is, so that the first updates go to those that are
    (Lin et al. 2017, "Focal loss for dense object detection", section 4.1).
    """

    def __init__(self, features: int, relations: int) -> None:
        super().__init__()
        self.of_head = nn.Linear(features, _HIDDEN)
        self.of_tail = nn.Linear(features, _HIDDEN, bias=False)
        self.relations = nn.Linear(_HIDDEN, relations)
        nn.init.constant_(self.relations.bias, math.log(_PRIOR / (1 - _PRIOR)))

    def forward(self, states: Tensor, mask: Tensor) -> PairScores:
        """States (B, n, F) and their mask (B, n) -> scores, in single precision at least."""
        rows, words, features = states.shape
        window = min(WINDOW, words)
        blocks = F.pad(states, (0, 0, 0, -words % window)).view(rows, -1, window, features)
        pairs = (self.of_head(blocks).unsqueeze(3) + self.of_tail(blocks).unsqueeze(2)).relu_()
        logits = self.relations(pairs)
        return PairScores(logits.to(torch.promote_types(logits.dtype, torch.float32)), mask)


class Relations:
    """A yes or no for every relation between every two words (Bekoulis et al. 2018), which stand for the spans that end with them."""

    def __init__(self, task: Task) -> None:
        self.types = len(task.labels)
        self.scores = scores_of(task.kind, self.types)
        self._weights = None if task.class_weights is None else torch.tensor(task.class_weights)

    def head(self, features: int) -> nn.Module:
        """States (B, n, F) and mask (B, n) -> `PairScores`."""
        return PairScorer(features, self.types)

    def loss(self, scored: PairScores, labels: Tensor) -> Tensor:
        """Binary cross-entropy of all pairs and relations, by the number of words; a relation that is there counts its class weight.

        Relations between blocks are left out, here and in answers.
        """
        return self._loss(scored, labels, self._weights)

    def plain_loss(self, scored: PairScores, labels: Tensor) -> Tensor:
        """The same without class weights."""
        return self._loss(scored, labels, None)

    def annotations(self, scored: PairScores) -> list[Found]:
        """The relations of probability one half or more; head and tail are spans of one word, the last of theirs."""
        probabilities = scored.logits.detach().sigmoid()
        text, block, head, tail, relation = ((probabilities >= 0.5) & scored.there.unsqueeze(4)).nonzero(as_tuple=True)
        sure = probabilities[text, block, head, tail, relation].float().cpu().numpy()
        first = block * scored.window
        columns = [first + head, first + head + 1, first + tail, first + tail + 1, relation]
        rows = torch.stack(columns, 1).int().cpu().numpy()
        borders = np.searchsorted(text.cpu().numpy(), np.arange(len(scored.mask) + 1))
        return [Found(rows[low:high], sure[low:high]) for low, high in pairwise(borders)]

    def metrics(self, gold: NDArray[Any], found: NDArray[Any]) -> dict[str, float]:
        """Precision, recall and F1 over all relations at once; one counts when the last words of both ends and its type are right."""
        return values(self.scores, gold, found)

    def _loss(self, scored: PairScores, labels: Tensor, weights: Tensor | None) -> Tensor:
        target = self._target(scored, labels)
        counts = scored.there.unsqueeze(4).to(scored.logits.dtype)
        if weights is not None:
            counts = counts * torch.where(target == 1, weights.to(target), 1.0)
        total = F.binary_cross_entropy_with_logits(scored.logits, target, counts, reduction="sum")
        return total / scored.mask.sum().clamp(min=1)

    def _target(self, scored: PairScores, labels: Tensor) -> Tensor:
        """1 for every relation that is there, in the shape of the logits."""
        head, tail, relation = labels[:, :, 1] - 1, labels[:, :, 3] - 1, labels[:, :, 4]
        words = scored.mask.sum(1, keepdim=True)
        window = scored.window
        fits = (head >= 0) & (tail >= 0) & (head < words) & (tail < words)
        fits &= head.div(window, rounding_mode="floor") == tail.div(window, rounding_mode="floor")
        text, _ = fits.nonzero(as_tuple=True)
        head, tail = head[fits], tail[fits]
        target = torch.zeros_like(scored.logits)
        target[text, head // window, head % window, tail % window, relation[fits]] = 1.0
        return target
