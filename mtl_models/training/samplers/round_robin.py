"""The round-robin sampler: a batch of each task in turn."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_models.training.samplers.sampler import Sampler
from mtl_models.training.samplers.temperature import powers

__all__ = ["RoundRobinSampler"]


class RoundRobinSampler(Sampler):
    """Every task gives as many rows as the largest has; smaller ones begin again, so an epoch is max n_t * T rows."""

    def shares(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, float]:  # noqa: ARG002 (the same in every epoch)
        """p_t = 1 / T."""
        return powers(rows, 0.0)

    def epoch_rows(self, rows: Mapping[str, int]) -> int:
        """T times the rows of the largest task."""
        return len(rows) * max(rows.values())
