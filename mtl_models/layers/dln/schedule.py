"""Which rows of a batch are alive at which position, and where they lie in a packed batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Schedule"]


@dataclass(frozen=True)
class Schedule:
    """The packing of texts of given lengths: position after position, longest text first, no padding (as PyTorch's PackedSequence).

    `sizes[s]` texts reach position s and lie at places `starts[s]` and following; `order` (B,) text at each rank; `last` (B,) place of
    the last token of each rank; `source` (N,) index into the padded batch, seen as (B * n), of every place. All on one device.
    """

    sizes: tuple[int, ...]
    starts: tuple[int, ...]
    order: Tensor
    last: Tensor
    source: Tensor

    @classmethod
    def of(cls, lengths: Tensor, positions: int, device: torch.device) -> Schedule:
        """The packing of a batch padded to `positions`; `lengths` (B,), at least 1, on the CPU."""
        sorted_lengths, order = lengths.sort(descending=True, stable=True)
        alive = torch.arange(int(sorted_lengths[0])).unsqueeze(1) < sorted_lengths
        sizes = alive.sum(1)
        starts = sizes.cumsum(0) - sizes
        position, rank = alive.nonzero(as_tuple=True)
        last = starts[sorted_lengths - 1] + torch.arange(len(lengths))
        source = order[rank] * positions + position
        return cls(tuple(sizes.tolist()), tuple(starts.tolist()), order.to(device), last.to(device), source.to(device))
