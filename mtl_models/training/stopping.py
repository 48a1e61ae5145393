"""Per-task stopping and the choice of weights, as pure functions of the records: nothing but the history needs saving.

A task whose dev metric has not risen for `patience` epochs is out: it gives no more batches, and stays out even if the other tasks'
training still moves its metric. Training ends when all tasks are out or the epochs are over. The weights kept are those of the epoch
with the best mean dev metric over all tasks, the earlier one of equals; without any dev rows, those of the last epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from mtl_models.training.history import EpochRecord

__all__ = ["best_epoch", "stopped_tasks"]


def stopped_tasks(records: Sequence[EpochRecord], patience: int | None, metric: str) -> dict[str, int]:
    """Task -> the last epoch it trained in, for each task out of patience. A task without dev rows never is."""
    if patience is None:
        return {}
    best: dict[str, tuple[float, int]] = {}
    stopped: dict[str, int] = {}
    for record in records:
        for task, measures in record.dev.items():
            if task not in best or measures[metric] > best[task][0]:
                best[task] = (measures[metric], record.epoch)
            if task not in stopped and record.epoch - best[task][1] >= patience:
                stopped[task] = record.epoch
    return stopped


def best_epoch(records: Sequence[EpochRecord], metric: str) -> int:
    """The epoch (from 1) whose weights are kept."""
    scored = [(fmean(measures[metric] for measures in record.dev.values()), record.epoch) for record in records if record.dev]
    if not scored:
        return records[-1].epoch
    return max(scored, key=lambda pair: (pair[0], -pair[1]))[1]
