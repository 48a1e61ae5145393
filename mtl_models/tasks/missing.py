"""Missing labels: one sentinel, and the only two places that know what it means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["MISSING", "mean_of_present", "present"]

MISSING = -100
"""The label of a row that has none: it adds nothing to a loss and is left out of metrics."""


def mean_of_present(losses: Tensor, labels: Tensor) -> Tensor:
    """Mean of the losses whose label is there; both of one shape. A zero that still has a graph where none is."""
    there = labels != MISSING
    return losses.masked_fill(~there, 0.0).sum() / there.sum().clamp(min=1)


def present(gold: NDArray[np.integer]) -> NDArray[np.bool_]:
    """True for the rows of `gold` (N,) that have a label."""
    there: NDArray[np.bool_] = np.not_equal(gold, MISSING)
    return there
