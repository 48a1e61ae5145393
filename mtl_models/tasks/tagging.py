"""Spans of words that do not overlap, each of one of K types: named entities, phrases; and tags of words, which are spans of one word."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtl_models.layers.crf import BioCrf, TagScores, best_tags, log_partition, marginals, path_scores
from mtl_models.layers.span_tags import spans_of_tags, tags_of_spans
from mtl_models.tasks.found import Found
from mtl_models.tasks.scores.scores import scores_of, values
from mtl_models.tasks.task import Task

__all__ = ["Tagging", "decoded_spans", "mean_word_loss"]


class Tagging:
    """A linear-chain CRF over BIO tags (Lample et al. 2016, section 2.2)."""

    def __init__(self, task: Task) -> None:
        self.types = len(task.labels)
        self.scores = scores_of(task.kind, self.types)

    def head(self, features: int) -> nn.Module:
        """States (B, n, F) and mask (B, n) -> `TagScores` of one chain."""
        return BioCrf(features, self.types)

    def loss(self, scored: TagScores, labels: Tensor) -> Tensor:
        """Negative log-likelihood of all texts by the number of their words."""
        layers = torch.zeros_like(labels[:, :, 0])
        return mean_word_loss(scored, tags_of_spans(labels, layers, scored.mask, 1, self.types))

    def plain_loss(self, scored: TagScores, labels: Tensor) -> Tensor:
        """The same; tags have no class weights."""
        return self.loss(scored, labels)

    def annotations(self, scored: TagScores) -> list[Found]:
        """The spans of the best tags; the confidence of a span is the mean probability of its tags, each by itself."""
        return decoded_spans(scored, self.types)

    def metrics(self, gold: NDArray[Any], found: NDArray[Any]) -> dict[str, float]:
        """Precision, recall and F1 of spans, over all types at once: one counts when both its ends and its type are right."""
        return values(self.scores, gold, found)


def mean_word_loss(scored: TagScores, tags: Tensor) -> Tensor:
    """Negative log-likelihood of tags (B, D, n) by the number of words, in single precision."""
    total = (log_partition(scored) - path_scores(scored, tags)).sum()
    return (total / scored.mask.sum().clamp(min=1)).float()


def decoded_spans(scored: TagScores, types: int) -> list[Found]:
    """The spans of the best tags of every layer of every text, sorted, the surer one of equals."""
    tags = best_tags(scored)
    sure = marginals(scored).gather(3, tags.unsqueeze(3)).squeeze(3).flatten(0, 1).cpu().numpy()
    rows, depth, _ = tags.shape
    spans = spans_of_tags(tags.flatten(0, 1).cpu().numpy(), types)
    chain, start, end = spans[:, 0], spans[:, 1], spans[:, 2]
    running = np.pad(sure.cumsum(axis=1), ((0, 0), (1, 0)))
    confidence = np.clip((running[chain, end] - running[chain, start]) / (end - start), 0.0, 1.0).astype(np.float32)
    spans[:, 0] //= depth
    order = np.lexsort((-confidence, spans[:, 3], spans[:, 2], spans[:, 1], spans[:, 0]))
    spans, confidence = spans[order], confidence[order]
    new = np.ones(len(spans), dtype=bool)
    new[1:] = (spans[1:] != spans[:-1]).any(axis=1)
    spans, confidence = spans[new], confidence[new]
    borders = np.searchsorted(spans[:, 0], np.arange(rows + 1))
    return [Found(spans[low:high, 1:].astype(np.int32), confidence[low:high]) for low, high in pairwise(borders)]
