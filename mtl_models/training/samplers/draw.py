"""Which rows an epoch holds: a window on each task's endless row of shuffled passes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mtl_models.config.training import Training
from mtl_models.training.samplers.quotas import drawn_quotas
from mtl_models.training.seeds import generator

__all__ = ["draw"]


def draw(training: Training, rows: Mapping[str, int], epoch: int, seed: int) -> dict[str, npt.NDArray[np.int64]]:
    """Task -> indices (quota,) of the rows that `epoch` (1..`training.epochs`) holds; `rows` is task -> training rows.

    Each task has an endless sequence of whole shuffled passes over its rows, and an epoch takes up where the one before ended: no row
    comes a (k+1)-th time, in this epoch or a later one, before every row of the task has come k times. A pure function of its arguments.
    """
    quotas = drawn_quotas(training, rows, epoch, seed)
    earlier = [drawn_quotas(training, rows, past, seed) for past in range(1, epoch)]
    return {task: _window(rows[task], sum(past[task] for past in earlier), quota, seed, task) for task, quota in quotas.items()}


def _window(rows: int, start: int, size: int, seed: int, task: str) -> npt.NDArray[np.int64]:
    first, last = start // rows, (start + size - 1) // rows
    passes = [generator(seed, "pass", task, number).permutation(rows) for number in range(first, last + 1)]
    offset = start - first * rows
    return np.concatenate(passes)[offset : offset + size].astype(np.int64, copy=False)
