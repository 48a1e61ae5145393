"""Where a padded batch holds text."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["reverse_each", "text_mask"]


def text_mask(lengths: Tensor, positions: int) -> Tensor:
    """Lengths (B,) -> (B, positions) bool, True where there is text and False on padding; on the device of `lengths`."""
    return torch.arange(positions, device=lengths.device) < lengths.unsqueeze(1)


def reverse_each(x: Tensor, lengths: Tensor) -> Tensor:
    """(B, n, H) with the first `lengths[b]` positions of every row b in reverse, padding in its place. Its own inverse."""
    positions = torch.arange(x.shape[1], device=x.device)
    mirrored = lengths.unsqueeze(1) - 1 - positions
    source = torch.where(mirrored >= 0, mirrored, positions)
    return x.gather(1, source.unsqueeze(2).expand_as(x))
