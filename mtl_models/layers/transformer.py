"""The transformer encoder over padded texts that padding does not touch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.errors import ConfigError
from mtl_models.layers.dropout import Dropout
from mtl_models.layers.masks import text_mask
from mtl_models.layers.positions import sinusoidal_positions

__all__ = ["MultiHeadAttention", "PositionedWords", "Transformer", "TransformerLayer"]


class PositionedWords(nn.Module):
    """Word vectors times sqrt(E), plus sinusoidal positions, then dropout (Vaswani et al. 2017, sections 3.4, 3.5 and 5.4)."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)

    def forward(self, vectors: Tensor) -> Tensor:
        """Word vectors (B, n, E) -> the same shape."""
        positions = sinusoidal_positions(vectors.shape[1], vectors.shape[2], like=vectors)
        placed: Tensor = self.dropout(vectors * math.sqrt(vectors.shape[2]) + positions)
        return placed


class MultiHeadAttention(nn.Module):
    """Scaled dot-product self-attention in several heads (Vaswani et al. 2017, section 3.2); dropout on the weights, as PyTorch has it."""

    def __init__(self, dimension: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = Dropout(dropout)
        self.project = nn.Linear(dimension, 3 * dimension)
        self.out = nn.Linear(dimension, dimension)
        nn.init.xavier_uniform_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """States (B, n, E) and where there is text (B, n) -> (B, n, E)."""
        queries, keys, values = self._split(x)
        rate = self.dropout.p if self.training else 0.0
        if rate > 0.0 and x.device.type == "cpu":  # where PyTorch has no kernel with dropout, and its own dropout is slow
            found = self.dropout(_attended(queries, keys, mask)) @ values
        else:
            found = F.scaled_dot_product_attention(queries, keys, values, mask[:, None, None], dropout_p=rate)
        mixed: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return mixed

    def weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, heads, n, n): how much each position (third axis) takes from each other (last axis); every row of text adds up to 1."""
        queries, keys, _ = self._split(x)
        return _attended(queries, keys, mask)

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (B, heads, n, E / heads)."""
        queries, keys, values = self.project(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        return queries, keys, values

    def extra_repr(self) -> str:
        """Shown by `print(network)`."""
        return f"heads={self.heads}"


def _attended(queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
    """(B, heads, n, n): the softmax of the scaled products, zero on padding."""
    scores = (queries / math.sqrt(queries.shape[3])) @ keys.transpose(2, 3)
    return scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(3)


class TransformerLayer(nn.Module):
    """Self-attention, then a feed-forward part with ReLU; each is added to its input and normalised after that (post-norm)."""

    def __init__(self, dimension: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(dimension, heads, dropout)
        self.attention_norm = nn.LayerNorm(dimension)
        self.inner = nn.Linear(dimension, feedforward)
        self.outer = nn.Linear(feedforward, dimension)
        self.feedforward_norm = nn.LayerNorm(dimension)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """States (B, n, E) and where there is text (B, n) -> (B, n, E)."""
        x = self.attention_norm(x + self.dropout(self.attention(x, mask)))
        moved = self.outer(self.dropout(F.relu(self.inner(x))))
        out: Tensor = self.feedforward_norm(x + self.dropout(moved))
        return out


class Transformer(nn.Module):
    """Transformer encoder (Vaswani et al. 2017): the mathematics of `nn.TransformerEncoder` with a key-padding mask.

    The states of a text are those it would have alone. One code path trains and predicts, and its attention can be looked at.
    """

    def __init__(self, dimension: int, layers: int, heads: int, feedforward: int, dropout: float = 0.0) -> None:
        super().__init__()
        if dimension % heads:
            fitting = [number for number in range(1, dimension + 1) if dimension % number == 0 and number <= 2 * heads]
            raise ConfigError(
                f"network.transformer.heads: {heads} heads cannot share word vectors of {dimension} numbers; "
                f"take {' or '.join(map(str, fitting))}, or vectors of a dimension that {heads} divides"
            )
        self.layers = nn.ModuleList(TransformerLayer(dimension, heads, feedforward, dropout) for _ in range(layers))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Inputs (B, n, E) and lengths (B,), at least 1, on one device -> states (B, n, E); what stands on padding means nothing."""
        mask = text_mask(lengths, x.shape[1])
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def attention(self, x: Tensor, lengths: Tensor) -> list[Tensor]:
        """The weights of every layer, (B, heads, n, n) each, for the same inputs."""
        mask = text_mask(lengths, x.shape[1])
        found = []
        for layer in self.layers:
            assert isinstance(layer, TransformerLayer)
            found.append(layer.attention.weights(x, mask))
            x = layer(x, mask)
        return found
