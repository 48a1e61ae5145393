"""Dropout for sequences."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["LockedDropout"]


class LockedDropout(nn.Module):
    """Dropout with one mask per sequence, the same at every position (Gal and Ghahramani 2016, section 4).

    The mask does not depend on padding, and drawing it is n times cheaper than one per position.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """States (B, n, H) -> the same shape: in training some of the H numbers of a sequence are zero and the rest scaled up."""
        if not self.training or self.rate == 0.0:
            return x
        keep = 1.0 - self.rate
        mask = torch.empty(x.shape[0], 1, x.shape[2], dtype=x.dtype, device=x.device).bernoulli_(keep).div_(keep)
        return x * mask

    def extra_repr(self) -> str:
        """Shown by `print(network)`."""
        return f"rate={self.rate}"
