"""The uniform sampler: p_t = 1 / T."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_models.training.samplers.sampler import Sampler
from mtl_models.training.samplers.temperature import powers

__all__ = ["UniformSampler"]


class UniformSampler(Sampler):
    """The same number of rows of every task; together as many as all tasks have, so an epoch is as long as a proportional one."""

    def shares(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, float]:  # noqa: ARG002 (the same in every epoch)
        """p_t = 1 / T."""
        return powers(rows, 0.0)
