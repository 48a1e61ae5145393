"""Per-task stopping and the choice of weights, as pure functions of the records: nothing but the history needs saving.

A task whose dev metric has not risen for `patience` epochs is out: it gives no more batches, and stays out even if the other tasks'
training still moves its metric. Training ends when all tasks are out or the epochs are over. The weights kept are those of the epoch
with the best mean dev metric over all tasks, or the best of the task that `training.pick_by` names, the earlier one of equals; without any
dev rows, those of the last epoch. The cross table says what picking by one task would have meant for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from mtl_models.training.history import EpochRecord

__all__ = ["best_epoch", "cross_table", "stopped_tasks"]


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


def best_epoch(records: Sequence[EpochRecord], metric: str, pick_by: str = "mean") -> int:
    """The epoch (from 1) whose weights are kept; `pick_by` a task, or `mean`, which also stands for a task without dev rows."""
    scored = [(_picked(record, metric, pick_by), record.epoch) for record in records if record.dev]
    if not scored:
        return records[-1].epoch
    return max(scored, key=lambda pair: (pair[0], -pair[1]))[1]


def cross_table(records: Sequence[EpochRecord], metric: str) -> dict[str, tuple[int, dict[str, float]]]:
    """Task -> the epoch that is best for it, and what every task has on dev with those weights (Sanh, Wolf and Ruder 2019, section 4)."""
    tasks = dict.fromkeys(task for record in records for task in record.dev)
    best = {task: best_epoch(records, metric, task) for task in tasks}
    return {task: (epoch, {other: row[metric] for other, row in records[epoch - 1].dev.items()}) for task, epoch in best.items()}


def _picked(record: EpochRecord, metric: str, pick_by: str) -> float:
    if pick_by in record.dev:
        return record.dev[pick_by][metric]
    return fmean(measures[metric] for measures in record.dev.values())
