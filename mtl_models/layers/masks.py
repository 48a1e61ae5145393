"""Where a padded batch holds text."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["of_like_length", "reverse_each", "text_mask"]

_SHORT = 32
"""Positions up to which padding costs less than another call."""


def text_mask(lengths: Tensor, positions: int) -> Tensor:
    """Lengths (B,) -> (B, positions) bool, True where there is text and False on padding; on the device of `lengths`."""
    return torch.arange(positions, device=lengths.device) < lengths.unsqueeze(1)


def of_like_length(lengths: Tensor) -> list[Tensor]:
    """Indices of texts by length: in a group the longest is at most twice as long as any, or short; the longest come first.

    One group where the lengths are alike. `lengths` (B,) on the CPU.
    """
    rest, groups = torch.arange(len(lengths)), []
    while len(rest):
        half = int(lengths[rest].max()) // 2
        long = lengths[rest] > (half if half >= _SHORT else 0)
        groups.append(rest[long])
        rest = rest[~long]
    return groups


def reverse_each(x: Tensor, lengths: Tensor) -> Tensor:
    """(B, n, H) with the first `lengths[b]` positions of every row b in reverse, padding in its place. Its own inverse."""
    positions = torch.arange(x.shape[1], device=x.device)
    mirrored = lengths.unsqueeze(1) - 1 - positions
    source = torch.where(mirrored >= 0, mirrored, positions)
    return x.gather(1, source.unsqueeze(2).expand_as(x))
