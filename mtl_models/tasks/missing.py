"""Missing labels: one sentinel, and the only places that know what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # judging predictions needs no torch
    from torch import Tensor

__all__ = ["MISSING", "labelled_rows", "mean_of_present", "present"]

MISSING = -100
"""The label of a row that has none: it adds nothing to a loss and is left out of metrics. Where labels are numbers it is NaN."""


def mean_of_present(losses: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of the losses whose label is there; all of one shape. A zero that still has a graph where none is.

    With `weights` the losses count so much each, and the sum is divided by the weights of those that are there.
    """
    there = _there(labels)
    if weights is None:
        return losses.masked_fill(~there, 0.0).sum() / there.sum().clamp(min=1)
    weights = weights.masked_fill(~there, 0.0)
    total = weights.sum()
    return (losses.masked_fill(~there, 0.0) * weights).sum() / total.where(total > 0, 1.0)


def labelled_rows(labels: Tensor) -> int:
    """How many rows of `labels`, (B,), (B, K) or (B, M, W), have a label, or one at least."""
    if labels.ndim == 3:  # annotations: a text without any says so
        return len(labels)
    there = _there(labels)
    return int((there if there.ndim == 1 else there.any(-1)).sum())


def present(gold: NDArray[Any]) -> NDArray[np.bool_]:
    """True where there is a label, in the shape of `gold`."""
    if gold.dtype == object:  # annotations: a text without any says so
        return np.ones(len(gold), dtype=np.bool_)
    there: NDArray[np.bool_] = ~np.isnan(gold) if gold.dtype.kind == "f" else np.not_equal(gold, MISSING)
    return there


def _there(labels: Tensor) -> Tensor:
    return ~labels.isnan() if labels.is_floating_point() else labels != MISSING
