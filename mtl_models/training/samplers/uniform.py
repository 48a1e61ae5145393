"""The uniform sampler: p_t = 1 / T, without variance."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_models.training.samplers.sampler import Sampler

__all__ = ["UniformSampler"]


class UniformSampler(Sampler):
    """The same number of rows of every task; together as many as all tasks have, so an epoch is as long as a proportional one.

    Where the tasks do not divide the rows evenly, the first ones get one row more.
    """

    def quotas(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, int]:  # noqa: ARG002 (the same in every epoch)
        """Task -> its share of the rows."""
        each, left = divmod(sum(rows.values()), len(rows))
        return {task: each + (place < left) for place, task in enumerate(rows)}
