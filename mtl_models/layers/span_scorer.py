"""Which spans of a text are mentions: a score for every span up to some width, and vectors of the best ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtl_models.layers.dropout import Dropout

__all__ = ["KeptSpans", "SpanScorer"]

_WIDTH_FEATURES = 20


@dataclass(frozen=True)
class KeptSpans:
    """The S best spans of every text, in the order of their starts, then of their ends."""

    start: Tensor
    """(B, S) int64."""
    end: Tensor
    """(B, S) int64, the first word behind."""
    there: Tensor
    """(B, S) bool, False where a text has fewer; those come last."""
    scores: Tensor
    """(B, S) how likely each is a mention, a logit."""
    vectors: Tensor
    """(B, S, G)."""
    candidates: Tensor
    """(B, n, W) the scores of all spans, by first word and width less one; minus infinity where they do not fit in the text."""


class SpanScorer(nn.Module):
    """A span is its first state, its last state, a mean of its states weighted by attention, and its width (Lee et al. 2017, section 4).

    The features of all n W spans would take most of the memory. But the first layer of the scorer is linear in them, so each state goes
    through its parts once and only the results, `hidden` numbers a span, are added up; whole features are built of the kept spans alone.
    """

    def __init__(self, features: int, width: int, hidden: int, vector: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.attention = nn.Linear(features, 1, bias=False)
        self.widths = nn.Embedding(width, _WIDTH_FEATURES)
        self.first, self.last = nn.Linear(features, hidden), nn.Linear(features, hidden, bias=False)
        self.middle = nn.Linear(features, hidden, bias=False)
        self.of_width = nn.Linear(_WIDTH_FEATURES, hidden, bias=False)
        self.dropout = Dropout(dropout)
        self.score = nn.Linear(hidden, 1)
        self.vector = nn.Linear(3 * features + _WIDTH_FEATURES, vector)

    def forward(self, states: Tensor, mask: Tensor, ratio: float, most: int) -> KeptSpans:
        """States (B, n, F) and their mask (B, n) -> of every text `ratio` spans a word, rounded up, and no more than `most`."""
        words = mask.sum(1)
        attention = self.attention(states).squeeze(2)
        candidates = self._candidates(states, attention, words)
        fitting = candidates.isfinite().flatten(1).sum(1)
        wanted = (words * ratio).ceil().long().clamp(max=most).minimum(fitting)
        best = candidates.detach().flatten(1).topk(int(wanted.max()), dim=1).indices
        there = torch.arange(best.shape[1], device=best.device) < wanted.unsqueeze(1)
        spans = best.masked_fill(~there, candidates[0].numel()).sort(dim=1).values
        spans = spans.masked_fill(~there, 0)
        start, width = spans // self.width, spans % self.width
        scores = candidates.flatten(1).gather(1, spans).masked_fill(~there, 0.0)
        return KeptSpans(start, start + width + 1, there, scores, self._vectors(states, attention, start, width), candidates)

    def _candidates(self, states: Tensor, attention: Tensor, words: Tensor) -> Tensor:
        """(B, n, W)."""
        positions = torch.arange(states.shape[1], device=states.device)
        offsets = torch.arange(self.width, device=states.device)
        at = positions.unsqueeze(1) + offsets
        fits = at < words[:, None, None]
        at = at.clamp(max=states.shape[1] - 1)
        weights = attention[:, at].masked_fill(~fits, -torch.inf)
        weights = (weights - weights.detach().amax(2, keepdim=True).clamp(min=-1e30)).exp().unsqueeze(3)
        up_to = torch.ones(self.width, self.width, dtype=weights.dtype, device=weights.device).tril()
        middle = up_to @ (weights * self.middle(states)[:, at]) / (up_to @ weights).clamp(min=1e-30)
        hidden = self.first(states).unsqueeze(2) + self.last(states)[:, at] + middle + self.of_width(self.widths.weight)
        scores: Tensor = self.score(self.dropout(hidden.relu())).squeeze(3)
        return scores.masked_fill(~fits, -torch.inf)

    def _vectors(self, states: Tensor, attention: Tensor, start: Tensor, width: Tensor) -> Tensor:
        """(B, S, G) of spans from `start` (B, S), `width` + 1 words each."""
        text = torch.arange(len(states), device=states.device).unsqueeze(1)
        offsets = torch.arange(self.width, device=states.device)
        at = (start.unsqueeze(2) + offsets).clamp(max=states.shape[1] - 1)
        weights = attention[text.unsqueeze(2), at].masked_fill(offsets > width.unsqueeze(2), -torch.inf).softmax(2)
        middle = (weights.unsqueeze(2) @ states[text.unsqueeze(2), at]).squeeze(2)
        whole = torch.cat([states[text, start], states[text, start + width], middle, self.widths(width)], dim=2)
        vectors: Tensor = self.dropout(self.vector(whole).relu())
        return vectors
