"""Where a word stands, said in sines and cosines."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["sinusoidal_positions"]


def sinusoidal_positions(positions: int, dimension: int, like: Tensor) -> Tensor:
    """(positions, dimension) of the type and on the device of `like`, for texts of any length (Vaswani et al. 2017, section 3.5).

    Column 2i holds sin(p / 10000^(2i / dimension)), column 2i + 1 the cosine of the same angle; an odd dimension ends with a sine.
    """
    place = torch.arange(positions, dtype=like.dtype, device=like.device).unsqueeze(1)
    even = torch.arange(0, dimension, 2, dtype=like.dtype, device=like.device)
    angles = place * torch.exp(even * (-math.log(10_000.0) / dimension))
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :dimension]
