"""From the terms of the tasks in an update to the one number that is minimised."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

__all__ = ["mean_over_rows", "mean_over_tasks"]


def mean_over_rows(terms: Mapping[str, Tensor], rows: Mapping[str, int]) -> Tensor:
    """The mean over the labelled rows of a batch: every row weighs the same, whatever its task.

    `terms` task -> its mean over its labelled rows, a scalar; `rows` task -> how many those are. Zero, with a graph, if there are none.
    """
    total = max(1, sum(rows.values()))
    return sum((term * (rows[task] / total) for task, term in terms.items()), start=next(iter(terms.values())).new_zeros(()))


def mean_over_tasks(terms: Mapping[str, Tensor], rows: Mapping[str, int]) -> Tensor:
    """The mean over the tasks that have a labelled row: every task weighs the same, however many rows it brought.

    As `mean_over_rows` otherwise.
    """
    return mean_over_rows(terms, {task: min(1, count) for task, count in rows.items()})
