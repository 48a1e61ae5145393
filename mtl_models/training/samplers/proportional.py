"""The proportional sampler: p_t = n_t / N, without variance."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_models.training.samplers.sampler import Sampler

__all__ = ["ProportionalSampler"]


class ProportionalSampler(Sampler):
    """Every row of every task exactly once an epoch."""

    def quotas(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, int]:  # noqa: ARG002 (the same in every epoch)
        """Task -> its number of rows."""
        return dict(rows)
