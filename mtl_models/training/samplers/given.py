"""The given sampler: p_t as the experiment says."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_models.training.samplers.sampler import Sampler

__all__ = ["GivenSampler"]


class GivenSampler(Sampler):
    """`probabilities` task -> weight above zero. They are made to sum to 1 over the tasks at hand, so a twin gets all of its epoch."""

    def __init__(self, probabilities: Mapping[str, float]) -> None:
        self._probabilities = dict(probabilities)

    def shares(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, float]:  # noqa: ARG002 (the same in every epoch)
        """p_t as given."""
        total = sum(self._probabilities[task] for task in rows)
        return {task: self._probabilities[task] / total for task in rows}
