"""What every sampler is: how much of each task, apart from which rows and in which order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

__all__ = ["Sampler"]


class Sampler(ABC):
    """How many rows of each task an epoch holds.

    A pure function of its arguments: a resumed run asks again and gets the same answer, so a sampler has no state to save.
    """

    @abstractmethod
    def quotas(self, rows: Mapping[str, int], epoch: int, epochs: int) -> dict[str, int]:
        """Task -> rows drawn in `epoch` (1..`epochs`), where `rows` is task -> training rows; all at least 1."""
