"""The temperature sampler: p_t ~ n_t^alpha."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_models.training.samplers.sampler import Sampler

__all__ = ["TemperatureSampler", "powers"]


class TemperatureSampler(Sampler):
    """Between proportional (alpha = 1) and uniform (alpha = 0); a task counts for at most `cap` rows (Raffel et al. 2020, 3.5.2)."""

    def __init__(self, alpha: float, cap: int | None = None) -> None:
        self._alpha = alpha
        self._cap = cap

    def shares(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, float]:  # noqa: ARG002 (the same in every epoch)
        """p_t ~ min(n_t, cap)^alpha."""
        return powers({task: count if self._cap is None else min(count, self._cap) for task, count in rows.items()}, self._alpha)


def powers(rows: Mapping[str, int], alpha: float) -> dict[str, float]:
    """Task -> n_t^alpha, made to sum to 1."""
    raised = {task: count**alpha for task, count in rows.items()}
    total = sum(raised.values())
    return {task: value / total for task, value in raised.items()}
