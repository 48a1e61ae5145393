"""The proportional sampler: p_t = n_t / N."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_models.training.samplers.sampler import Sampler
from mtl_models.training.samplers.temperature import powers

__all__ = ["ProportionalSampler"]


class ProportionalSampler(Sampler):
    """Drawn exactly, every row of every task once an epoch."""

    def shares(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, float]:  # noqa: ARG002 (the same in every epoch)
        """p_t = n_t / N."""
        return powers(rows, 1.0)
