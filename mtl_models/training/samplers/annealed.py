"""The annealed sampler: p_t ~ n_t^alpha_e, from proportional towards uniform."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_models.training.samplers.sampler import Sampler
from mtl_models.training.samplers.temperature import powers

__all__ = ["AnnealedSampler"]


class AnnealedSampler(Sampler):
    """alpha_e = 1 - 0.8 (e - 1) / (E - 1) in epoch e of E (Stickland and Murray 2019, section 3.3); 1 where there is one epoch only."""

    def shares(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, float]:
        """p_t ~ n_t^alpha_e."""
        return powers(rows, 1.0 - 0.8 * (epoch - 1) / max(1, epochs - 1))
