"""The learning rate as a pure function of the update, so that a resumed run needs no scheduler's state."""

from __future__ import annotations

import math
from typing import Literal

__all__ = ["rate_factor"]


def rate_factor(update: int, updates: int, warmup: float, decay: Literal["linear", "cosine", "none"]) -> float:
    """What the learning rate is multiplied by at `update`, 0 <= update < `updates`; in (0, 1].

    It rises in equal steps over the first `warmup` share of the updates and is 1 at the last of them; then it falls along a line or half
    a cosine that would reach 0 at `updates`, or stays.
    """
    rising = round(warmup * updates)
    if update < rising:
        return (update + 1) / rising
    if decay == "none":
        return 1.0
    left = (updates - update) / (updates - rising)
    return left if decay == "linear" else 0.5 * (1.0 - math.cos(math.pi * left))
