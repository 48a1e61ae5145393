"""What every sampler is: how much of each task, apart from which rows and in which order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

__all__ = ["Sampler"]


class Sampler(ABC):
    """Each task's share of an epoch.

    A pure function of its arguments: a resumed run asks again and gets the same answer, so a sampler has no state to save.
    """

    @abstractmethod
    def shares(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, float]:
        """Task -> p_t, summing to 1, in `epoch` (1..`epochs`), where `rows` is task -> training rows; all at least 1."""

    def epoch_rows(self, rows: Mapping[str, int]) -> int:
        """Rows of an epoch: as many as all tasks have together."""
        return sum(rows.values())
