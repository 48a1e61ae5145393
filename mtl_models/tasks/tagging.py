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

__all__ = ["Tagging"]


class Tagging:
    """A linear-chain CRF over BIO tags (Lample et al. 2016, section 2.2); `Mentions` has a chain for each of several layers of spans."""

    def __init__(self, task: Task) -> None:
        self.types = len(task.labels)
        self.depth = task.depth
        self.scores = scores_of(task.kind, self.types)

    def head(self, features: int) -> nn.Module:
        """States (B, n, F) and mask (B, n) -> `TagScores` of `depth` chains."""
        return BioCrf(features, self.types, self.depth)

    def loss(self, scored: TagScores, labels: Tensor) -> Tensor:
        """Negative log-likelihood of all layers of all texts by the number of their words, in single precision."""
        tags = tags_of_spans(labels, self.layers(labels, scored.lengths), scored.mask, self.depth, self.types)
        total = (log_partition(scored) - path_scores(scored, tags)).sum()
        return (total / scored.mask.sum().clamp(min=1)).float()

    def plain_loss(self, scored: TagScores, labels: Tensor) -> Tensor:
        """The same; spans have no class weights."""
        return self.loss(scored, labels)

    def annotations(self, scored: TagScores) -> list[Found]:
        """The spans of all layers, each once; the confidence of a span is the mean probability of its tags, each by itself."""
        return _decoded_spans(scored, self.types)

    def metrics(self, gold: NDArray[Any], found: NDArray[Any]) -> dict[str, float]:
        """Precision, recall and F1 of spans, over all types at once: one counts when both its ends and its type are right."""
        return values(self.scores, gold, found)

    def layers(self, labels: Tensor, lengths: Tensor) -> Tensor:  # noqa: ARG002  # how long a text is matters where spans nest
        """The layer of every span, (B, M, 3) -> (B, M), in texts of `lengths` words (B,): all on one."""
        return torch.zeros_like(labels[:, :, 0])


def _decoded_spans(scored: TagScores, types: int) -> list[Found]:
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
