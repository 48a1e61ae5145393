"""Structured self-attention: a text read several times, each time with other words in view."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_models.layers.masks import text_mask

__all__ = ["StructuredSelfAttention", "attention_penalty"]


class StructuredSelfAttention(nn.Module):
    """A = softmax(W_s2 tanh(W_s1 S^T)) over the positions of the text, M = A S (Lin et al. 2017, equations 5 to 7); no biases.

    Every one of the `hops` rows of A (r of them) is a distribution over the words of the text; padding gets none of it.
    """

    def __init__(self, inputs: int, hidden: int, hops: int) -> None:
        super().__init__()
        self.features = hops * inputs
        self.inner = nn.Linear(inputs, hidden, bias=False)
        self.outer = nn.Linear(hidden, hops, bias=False)

    def forward(self, states: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """States (B, n, D) and lengths (B,), at least 1, on one device -> M flattened (B, hops * D), and A (B, hops, n)."""
        mask = text_mask(lengths, states.shape[1]).unsqueeze(2)
        scores = self.outer(torch.tanh(self.inner(states))).masked_fill(~mask, -torch.inf)
        weights = scores.softmax(1).transpose(1, 2)
        return (weights.to(states.dtype) @ states).flatten(1), weights


def attention_penalty(weights: Tensor, squared: bool = True) -> Tensor:
    """Mean over the texts of ||A A^T - I||_F^2 (Lin et al. 2017, equation 8), a scalar; `weights` A (B, hops, n), zero on padding.

    It is small where every hop looks at few words and no two at the same. Not squared it is the plain Frobenius norm, as the package
    Joint Learn has it; where that norm is 0 its gradient is taken as 0.
    """
    exact = weights.double()  # small, and the one type that mixed precision leaves alone
    difference = exact @ exact.transpose(1, 2) - torch.eye(exact.shape[1], dtype=exact.dtype, device=exact.device)
    norms = difference.square().sum((1, 2)) if squared else torch.linalg.vector_norm(difference, dim=(1, 2))
    return norms.mean().to(torch.promote_types(weights.dtype, torch.float32))
