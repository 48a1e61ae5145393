"""What the letters of a word say of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_models.layers.dropout import Dropout

__all__ = ["LetterConvolution"]

_BYTES = 257
"""Every byte, and padding as 0."""


class LetterConvolution(nn.Module):
    """Bytes of a word -> vectors, a convolution over them, the largest value of every filter (Chiu and Nichols 2016, section 2.3)."""

    def __init__(self, dimension: int, filters: int, width: int, dropout: float) -> None:
        super().__init__()
        self.vectors = nn.Embedding(_BYTES, dimension, padding_idx=0)
        self.dropout = Dropout(dropout)
        self.convolution = nn.Conv1d(dimension, filters, width, padding=width - 1)
        self.margin = width - 1
        self.features = filters

    def forward(self, letters: Tensor) -> Tensor:
        """Letters (B, n, C), bytes plus one with zeros behind -> (B, n, filters), zero of a word without letters."""
        words = letters.flatten(0, 1)
        bytes_of = (words > 0).sum(1, keepdim=True)
        words = words[:, : max(1, int(bytes_of.max()))]
        seen: Tensor = self.convolution(self.dropout(self.vectors(words)).transpose(1, 2))
        there = torch.arange(seen.shape[2], device=seen.device) < bytes_of + self.margin
        largest = seen.masked_fill(~there.unsqueeze(1), float("-inf")).amax(2)
        return largest.masked_fill(bytes_of == 0, 0.0).view(*letters.shape[:2], -1)
