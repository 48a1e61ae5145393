"""Which spans of a text speak of the same thing: clusters of mentions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.layers.dropout import Dropout
from mtl_models.layers.span_scorer import KeptSpans, SpanScorer
from mtl_models.tasks.found import Found
from mtl_models.tasks.scores.scores import scores_of, values
from mtl_models.tasks.task import Task

__all__ = ["Coreference", "LinkScorer", "LinkScores"]

_WIDTH = 10
"""Words of a span; longer ones are not found."""
_RATIO, _MOST = 0.4, 600
"""Spans kept of a text: so many a word, and no more than so many."""
_ANTECEDENTS = 50
"""Earlier spans that a span is compared with in full."""
_HIDDEN = 150
_DROPOUT = 0.2
_DISTANCES = 10
_DISTANCE_FEATURES = 20


@dataclass(frozen=True)
class LinkScores:
    """What every kept span may refer back to."""

    spans: KeptSpans
    antecedents: Tensor
    """(B, S, A) the best earlier spans of every span, as indices into the kept ones."""
    links: Tensor
    """(B, S, A) the score of each, minus infinity where there is none; that of no antecedent at all is 0."""

    @property
    def with_none(self) -> Tensor:
        """(B, S, 1 + A): no antecedent, then the links."""
        return F.pad(self.links, (1, 0))


class LinkScorer(nn.Module):
    """Span ranking (Lee et al. 2017), coarse to fine (Lee, He and Zettlemoyer 2018, section 4).

    s(i, j) = m(i) + m(j) + g_i W g_j + FFNN([g_i ; g_j ; g_i * g_j ; distance]): mention scores m prune the spans, the first three terms
    choose the antecedents of each of them, and all terms rank those. A distance is counted in kept spans.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.spans = SpanScorer(features, _WIDTH, _HIDDEN, _HIDDEN, _DROPOUT)
        self.coarse = nn.Linear(_HIDDEN, _HIDDEN, bias=False)
        self.of_span, self.of_antecedent = nn.Linear(_HIDDEN, _HIDDEN), nn.Linear(_HIDDEN, _HIDDEN, bias=False)
        self.of_both = nn.Linear(_HIDDEN, _HIDDEN, bias=False)
        self.distances = nn.Embedding(_DISTANCES, _DISTANCE_FEATURES)
        self.of_distance = nn.Linear(_DISTANCE_FEATURES, _HIDDEN, bias=False)
        self.dropout = Dropout(_DROPOUT)
        self.score = nn.Linear(_HIDDEN, 1)

    def forward(self, states: Tensor, mask: Tensor) -> LinkScores:
        """States (B, n, F) and their mask (B, n) -> scores, in single precision at least."""
        with torch.autocast(states.device.type, enabled=False):
            spans = self.spans(states.to(self.score.weight.dtype), mask, _RATIO, _MOST)
            antecedents, coarse = self._coarse(spans)
            return LinkScores(spans, antecedents, coarse + self._fine(spans.vectors, antecedents))

    def _coarse(self, spans: KeptSpans) -> tuple[Tensor, Tensor]:
        """The antecedents of every span, (B, S, A), and their scores."""
        kept = spans.scores.shape[1]
        index = torch.arange(kept, device=spans.scores.device)
        scores = self.coarse(spans.vectors) @ spans.vectors.transpose(1, 2) + spans.scores.unsqueeze(2) + spans.scores.unsqueeze(1)
        earlier = index.unsqueeze(1) > index
        best = scores.masked_fill(~earlier, -torch.inf).topk(min(_ANTECEDENTS, kept), dim=2)
        return best.indices, best.values

    def _fine(self, vectors: Tensor, antecedents: Tensor) -> Tensor:
        """(B, S, A)."""
        text = torch.arange(len(vectors), device=vectors.device)[:, None, None]
        places = torch.arange(vectors.shape[1], device=vectors.device).unsqueeze(1)
        distance = self.of_distance(self.distances.weight)[_bucket(places - antecedents)]
        both = self.of_both(vectors[text, antecedents] * vectors.unsqueeze(2))
        hidden = self.of_span(vectors).unsqueeze(2) + self.of_antecedent(vectors)[text, antecedents] + both + distance
        scores: Tensor = self.score(self.dropout(hidden.relu())).squeeze(3)
        return scores


class Coreference:
    """Every kept span chooses one antecedent, or none; who is linked, if over others, is one cluster."""

    def __init__(self, task: Task) -> None:
        self.singletons = task.singletons
        self.scores = scores_of(task.kind, len(task.labels))

    def head(self, features: int) -> nn.Module:
        """States (B, n, F) and mask (B, n) -> `LinkScores`."""
        return LinkScorer(features)

    def loss(self, scored: LinkScores, labels: Tensor) -> Tensor:
        """Negative log of the probability of all right antecedents together (Lee et al. 2017, section 5), summed over the kept spans,
        and the binary cross-entropy of every span's mention score, summed; by the number of kept spans.

        The second part keeps mentions from being pruned before anything is learnt of them. Where a corpus does not mark mentions that
        are alone in their cluster, a mention in its sense is one that is spoken of again.
        """
        clusters = _clusters(scored.spans, labels)
        of_antecedent = clusters.gather(1, scored.antecedents.flatten(1)).view_as(scored.antecedents)
        right = (of_antecedent == clusters.unsqueeze(2)) & (clusters.unsqueeze(2) >= 0) & scored.links.isfinite()
        right = torch.cat([~right.any(2, keepdim=True), right], dim=2)
        choices = scored.with_none.log_softmax(2)
        losses = -choices.masked_fill(~right, -torch.inf).logsumexp(2).masked_fill(~scored.spans.there, 0.0)
        total = losses.sum() + _mention_loss(scored.spans.candidates, labels)
        return total / scored.spans.there.sum().clamp(min=1)

    def plain_loss(self, scored: LinkScores, labels: Tensor) -> Tensor:
        """The same; clusters have no class weights."""
        return self.loss(scored, labels)

    def annotations(self, scored: LinkScores) -> list[Found]:
        """The mentions of all clusters, sorted; clusters are numbered in the order of their first mentions.

        A mention's confidence is the probability of its link, and of a cluster's first mention that of the surest link to it. A span
        without links is a cluster of its own where the corpus has such, if it is a mention with probability one half or more.
        """
        with torch.no_grad():
            sure, choice = scored.with_none.softmax(2).max(2)
            linked = (choice > 0) & scored.spans.there
            chosen = scored.antecedents.gather(2, (choice - 1).clamp(min=0).unsqueeze(2)).squeeze(2)
            places = torch.arange(chosen.shape[1], device=chosen.device).expand_as(chosen)
            antecedent = torch.where(linked, chosen, places)
            first = antecedent
            for _ in range(chosen.shape[1].bit_length()):  # every round doubles the length of the chains that are followed
                first = first.gather(1, first)
            backed = torch.zeros_like(sure).scatter_reduce(1, antecedent, sure.masked_fill(~linked, 0.0), "amax")
            alone = scored.spans.scores.sigmoid() * self.singletons
            found = linked | (backed > 0) | ((alone >= 0.5) & scored.spans.there)
            confidence = torch.where(linked, sure, torch.where(backed > 0, backed, alone))
            rows = torch.stack([scored.spans.start, scored.spans.end, first], 2)
        return [
            Found(_numbered(text[kept]), probability[kept])
            for text, kept, probability in zip(rows.int().cpu().numpy(), found.cpu().numpy(), confidence.float().cpu().numpy(), strict=True)
        ]

    def metrics(self, gold: NDArray[Any], found: NDArray[Any]) -> dict[str, float]:
        """F1 of MUC, B-cubed and CEAF-e, and their mean, `conll`."""
        return values(self.scores, gold, found)


def _bucket(distance: Tensor) -> Tensor:
    """1, 2, 3, 4, 5 to 7, 8 to 15, 16 to 31, 32 to 63, 64 and more -> 1 ... 9; 0 for what is no distance."""
    distance = distance.clamp(min=0)
    return torch.where(distance <= 4, distance, (distance.clamp(min=1).log2().floor().long() + 3).clamp(max=_DISTANCES - 1))


def _clusters(spans: KeptSpans, labels: Tensor) -> Tensor:
    """The cluster of every kept span (B, S), -1 for one that is no mention."""
    same = (spans.start.unsqueeze(2) == labels[:, None, :, 0]) & (spans.end.unsqueeze(2) == labels[:, None, :, 1])
    return (same * (labels[:, None, :, 2] + 1)).amax(2).where(spans.there, 0) - 1


def _mention_loss(candidates: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of all spans (B, n, W), summed."""
    fits = candidates.isfinite()
    start, width = labels[:, :, 0], labels[:, :, 1] - labels[:, :, 0] - 1
    known = (start >= 0) & (start < candidates.shape[1]) & (width >= 0) & (width < candidates.shape[2])
    text, _ = known.nonzero(as_tuple=True)
    target = torch.zeros_like(candidates)
    target[text, start[known], width[known]] = 1.0
    return F.binary_cross_entropy_with_logits(candidates[fits], target[fits], reduction="sum")


def _numbered(mentions: NDArray[np.int32]) -> NDArray[np.int32]:
    """Clusters by the index of their first mention -> by their rank among those, (M, 3)."""
    _, mentions[:, 2] = np.unique(mentions[:, 2], return_inverse=True)
    return mentions
