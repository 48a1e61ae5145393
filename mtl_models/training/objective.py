"""From the losses of the tasks in a batch to the one number that is minimised."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

__all__ = ["mean_over_rows"]


def mean_over_rows(losses: Mapping[str, Tensor], rows: Mapping[str, int]) -> Tensor:
    """The mean loss of the labelled rows of a mixed batch: every row weighs the same, whatever its task.

    `losses` task -> mean loss over its labelled rows, a scalar; `rows` task -> how many those are. Zero, with a graph, if there are none.
    """
    total = max(1, sum(rows.values()))
    return sum((loss * (rows[task] / total) for task, loss in losses.items()), start=next(iter(losses.values())).new_zeros(()))
