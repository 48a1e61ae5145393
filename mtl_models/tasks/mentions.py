"""Spans of words that may lie within each other, each of one of K types: mentions of entities."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtl_models.layers.crf import BioCrf, TagScores
from mtl_models.layers.span_tags import tags_of_spans
from mtl_models.tasks.found import Found
from mtl_models.tasks.scores.scores import scores_of, values
from mtl_models.tasks.tagging import decoded_spans, mean_word_loss
from mtl_models.tasks.task import Task

__all__ = ["Mentions", "layers_of"]


class Mentions:
    """A chain of BIO tags for each of the layers that the task's spans need, over one projection of the states.

    The layers are independent given the states (those of Ju, Miwa and Ananiadou 2018 read one another's, one after the other).
    """

    def __init__(self, task: Task) -> None:
        self.types = len(task.labels)
        self.depth = task.depth
        self.scores = scores_of(task.kind, self.types)

    def head(self, features: int) -> nn.Module:
        """States (B, n, F) and mask (B, n) -> `TagScores` of `depth` chains."""
        return BioCrf(features, self.types, self.depth)

    def loss(self, scored: TagScores, labels: Tensor) -> Tensor:
        """Negative log-likelihood of all layers of all texts by the number of their words; spans beyond the last layer are left out."""
        spans = labels.cpu().numpy()
        layers = torch.from_numpy(np.stack([layers_of(of_text, int(words)) for of_text, words in zip(spans, scored.lengths, strict=True)]))
        return mean_word_loss(scored, tags_of_spans(labels, layers.to(labels.device), scored.mask, self.depth, self.types))

    def plain_loss(self, scored: TagScores, labels: Tensor) -> Tensor:
        """The same; spans have no class weights."""
        return self.loss(scored, labels)

    def annotations(self, scored: TagScores) -> list[Found]:
        """The spans of all layers, each once; the confidence of a span is the mean probability of its tags, each by itself."""
        return decoded_spans(scored, self.types)

    def metrics(self, gold: NDArray[Any], found: NDArray[Any]) -> dict[str, float]:
        """Precision, recall and F1 of spans, over all types at once."""
        return values(self.scores, gold, found)


def layers_of(spans: NDArray[np.integer[Any]], words: int) -> NDArray[np.int64]:
    """The layer of every span, (M, 3) -> (M,), from 0; -1 for one that is given before, is padding, or ends behind the `words` of its text.

    In the order of their starts, the longer first, spans take the first layer that is free: an outer span comes before those in it,
    spans that overlap without nesting get different layers, and no word needs more layers than it has spans.
    """
    layers = np.full(len(spans), -1, dtype=np.int64)
    free: list[int] = []
    given = set()
    for index in np.lexsort((spans[:, 2], -spans[:, 1], spans[:, 0])):
        start, end, _ = span = tuple(spans[index].tolist())
        if not 0 <= start < end <= words or span in given:
            continue
        given.add(span)
        layer = next((layer for layer, end_of_last in enumerate(free) if end_of_last <= start), len(free))
        free[layer : layer + 1] = [end]
        layers[index] = layer
    return layers
