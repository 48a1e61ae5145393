"""From the states of a text to one vector: last, max and mean, all blind to padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mtl_models.layers.masks import text_mask

__all__ = ["Pooling", "last_state", "max_state", "mean_state", "pooled"]


def last_state(states: Tensor, lengths: Tensor, directions: int = 1) -> Tensor:
    """(B, n, D) -> (B, D): where each direction ends, the last position forwards and (second half of D) the first position backwards."""
    ahead = states.shape[2] // directions
    rows = torch.arange(states.shape[0], device=states.device)
    return torch.cat([states[rows, lengths - 1, :ahead], states[:, 0, ahead:]], dim=1)


def max_state(states: Tensor, lengths: Tensor) -> Tensor:
    """(B, n, D) -> (B, D): the largest value of every number over the text."""
    mask = text_mask(lengths, states.shape[1]).unsqueeze(2)
    return states.masked_fill(~mask, -torch.inf).amax(dim=1)


def mean_state(states: Tensor, lengths: Tensor) -> Tensor:
    """(B, n, D) -> (B, D): the mean over the text."""
    mask = text_mask(lengths, states.shape[1]).unsqueeze(2)
    return states.masked_fill(~mask, 0.0).sum(dim=1) / lengths.unsqueeze(1)


def pooled(way: Literal["cls", "max", "mean"], states: Tensor, lengths: Tensor) -> Tensor:
    """(B, n, D) -> (B, D) in one way; `cls` is the first position, where encoders put a token for the whole text."""
    match way:
        case "cls":
            return states[:, 0]
        case "max":
            return max_state(states, lengths)
        case "mean":
            return mean_state(states, lengths)


class Pooling(nn.Module):
    """Several poolings side by side: states (B, n, D) -> (B, D * number of ways)."""

    def __init__(self, ways: Sequence[Literal["last", "max", "mean"]], directions: int = 1) -> None:
        super().__init__()
        self.ways = tuple(ways)
        self.directions = directions

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """States (B, n, D) and lengths (B,), at least 1, on one device -> (B, D * ways) in the order of `ways`."""
        return torch.cat([self._pooled(way, states, lengths) for way in self.ways], dim=1)

    def _pooled(self, way: Literal["last", "max", "mean"], states: Tensor, lengths: Tensor) -> Tensor:
        return last_state(states, lengths, self.directions) if way == "last" else pooled(way, states, lengths)

    def extra_repr(self) -> str:
        """Shown by `print(network)`."""
        return f"ways={self.ways}"
