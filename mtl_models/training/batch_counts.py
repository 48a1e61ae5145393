"""How many batches an epoch has and what part of them each task is: by rows, or cut by tokens just as training will cut them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mtl_models.config.training import Training
from mtl_models.training.cutting import Lengths, cut_by_length
from mtl_models.training.samplers.draw import draw
from mtl_models.training.samplers.quotas import count_updates
from mtl_models.training.seeds import generator

__all__ = ["BatchCount", "count_by_rows", "count_by_tokens"]


@dataclass(frozen=True)
class BatchCount:
    """Batches of an epoch; `of_task` those that a task has a part in, or where they mix the tasks the sum of its parts of their rows."""

    updates: int
    of_task: Mapping[str, float]


def count_by_rows(training: Training, quotas: Mapping[str, int]) -> BatchCount:
    """Where only `batch_size` limits a batch; `quotas` task -> rows of the epoch. Nothing but their number matters."""
    updates, size = count_updates(training, quotas), training.batch_size
    match training.updates:
        case "mixed":
            return BatchCount(updates, {task: count / size for task, count in quotas.items()})
        case "single_task":
            return BatchCount(updates, {task: math.ceil(count / size) for task, count in quotas.items()})
        case "aggregate":
            return BatchCount(updates, dict.fromkeys(quotas, updates))


def count_by_tokens(training: Training, lengths: Mapping[str, Lengths], epoch: int, seed: int) -> BatchCount:
    """Where `batch_tokens` limits it too, in the epoch (1..`training.epochs`) of a training with this seed.

    `lengths` task -> tokens (N,) of its training rows. It depends on which rows meet, so they are drawn and cut as training does.
    """
    drawn = draw(training, {task: len(of_task) for task, of_task in lengths.items()}, epoch, seed)
    taken = {task: lengths[task][rows] for task, rows in drawn.items()}
    random = generator(seed, "batches", epoch)
    if training.updates == "single_task":
        cuts = {task: cut_by_length(length, training.batch_size, random, training.batch_tokens)[1] for task, length in taken.items()}
        counts = {task: len(starts) - 1 for task, starts in cuts.items()}
        return BatchCount(sum(counts.values()), counts)
    order, starts = cut_by_length(np.concatenate([*taken.values()]), training.batch_size, random, training.batch_tokens)
    sizes = np.diff(starts)
    owner = np.repeat(np.arange(len(taken)), [len(length) for length in taken.values()])[order]
    parts = np.bincount(owner, weights=np.repeat(1.0 / sizes, sizes), minlength=len(taken))
    return BatchCount(len(sizes), dict(zip(taken, parts.tolist(), strict=True)))
