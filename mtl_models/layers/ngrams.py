"""A bag of word n-grams, counted on the fly from token ids."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name it has everywhere

from mtl_models.layers.dropout import Dropout
from mtl_models.layers.masks import text_mask

__all__ = ["NgramBag", "ngram_hashes"]

# The constants of splitmix64 (Steele, Lea and Flood 2014), as signed 64-bit numbers.
_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


class NgramBag(nn.Module):
    """A text's word n-grams as one vector; each n-gram is hashed to one of `buckets` vectors (Joulin et al. 2017, the model of fastText).

    The vectors are added up and divided by the square root of their number, not by the number as fastText does: Adam moves every
    vector by about the learning rate, so a mean over a long text would hardly move at all. They begin at zero: most n-grams of a new
    text were in no text of training, and those say nothing.
    """

    def __init__(self, max_n: int, buckets: int, dimension: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.max_n = max_n
        self.features = dimension
        self.table = nn.EmbeddingBag(buckets, dimension, mode="sum")
        nn.init.zeros_(self.table.weight)
        self.dropout = Dropout(dropout)

    def forward(self, ids: Tensor, lengths: Tensor, salts: Tensor) -> Tensor:
        """Ids (B, n), lengths (B,) at least 1, and a number per row that tells vocabularies apart (B,) -> (B, dimension)."""
        hashes, there = ngram_hashes(ids, lengths, salts, self.max_n)
        buckets = (hashes % self.table.num_embeddings).masked_fill(~there, 0)
        counted = there.to(self.table.weight.dtype)
        scaled = counted / counted.sum(1, keepdim=True).sqrt()
        bag = F.embedding_bag(buckets, self.table.weight, mode="sum", per_sample_weights=scaled)
        dropped: Tensor = self.dropout(bag)
        return dropped

    def extra_repr(self) -> str:
        """Shown by `print(network)`."""
        return f"max_n={self.max_n}"


def ngram_hashes(ids: Tensor, lengths: Tensor, salts: Tensor, max_n: int) -> tuple[Tensor, Tensor]:
    """(B, N) int64 hashes of all n-grams of 1 to `max_n` words, and (B, N) bool: False where an n-gram would reach into padding.

    Equal words in equal order under equal salts have equal hashes wherever they stand, and whatever the batch; others do not, but
    by the chance of 64 bits.
    """
    mask = text_mask(lengths, ids.shape[1])
    hashes = _mixed(salts.unsqueeze(1) + ids * _GOLDEN)
    found, there = [hashes], [mask]
    for n in range(2, min(max_n, ids.shape[1]) + 1):
        hashes = _mixed(hashes[:, :-1] + ids[:, n - 1 :] * _GOLDEN)
        found.append(hashes)
        there.append(mask[:, n - 1 :])
    return torch.cat(found, 1), torch.cat(there, 1)


def _mixed(x: Tensor) -> Tensor:
    """Scatter 64-bit numbers: the finaliser of splitmix64, which is one to one. Products wrap around."""
    x = (x ^ _shifted(x, 30)) * _FIRST
    x = (x ^ _shifted(x, 27)) * _SECOND
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """To the right, with zeros from the left; PyTorch's own shift repeats the sign."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)
