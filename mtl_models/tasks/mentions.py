"""Spans of words that may lie within each other, each of one of K types: mentions of entities."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_models.tasks.tagging import Tagging

__all__ = ["Mentions", "layers_of"]


class Mentions(Tagging):
    """A chain of BIO tags for each of the layers that the task's spans need, over one projection of the states.

    The layers are independent given the states (those of Ju, Miwa and Ananiadou 2018 read one another's, one after the other). Spans
    beyond the last layer are left out of the loss.
    """

    def layers(self, labels: Tensor, lengths: Tensor) -> Tensor:
        """The layer of every span by `layers_of`, (B, M, 3) -> (B, M), in texts of `lengths` words (B,)."""
        spans = labels.cpu().numpy()
        layers = [layers_of(of_text, words) for of_text, words in zip(spans, lengths.tolist(), strict=True)]
        return torch.from_numpy(np.stack(layers)).to(labels.device)


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
