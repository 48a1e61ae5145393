"""The sampling plan: what training will do with each task's rows, known and printed before it does it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel

from mtl_models.config.training import Training
from mtl_models.errors import CorpusError
from mtl_models.training.samplers.build import build_sampler

__all__ = ["SamplingPlan", "TaskPlan", "sampling_plan"]

MOST_PASSES = 20
"""More passes over one task's rows than this over the whole training earn a warning."""


class TaskPlan(BaseModel):
    """What one task gets if no task stops early."""

    rows: int
    """Training rows."""
    rows_per_epoch: float
    """Rows drawn in an epoch, on average over the epochs."""
    updates: float
    """Updates' worth of rows over all epochs: rows drawn divided by the batch size, as batches mix the tasks."""
    passes: float
    """How often each row is seen over all epochs, on average."""
    share: float
    """Share of all updates, in [0, 1]."""
    starved: bool
    """A share below 1 / (10 T), T tasks."""
    repeated: bool
    """More than 20 passes."""


class SamplingPlan(BaseModel):
    """What every task gets over the whole training; early stopping can only shorten it."""

    epochs: int
    batch_size: int
    updates: int
    """Updates over all epochs."""
    tasks: dict[str, TaskPlan]

    @property
    def warnings(self) -> list[str]:
        """One sentence for each task that would starve or be repeated too often, with what to do."""
        found = []
        for name, task in self.tasks.items():
            if task.starved:
                found.append(
                    f"task '{name}' would starve: {task.share:.2%} of the updates, less than 1/(10 x {len(self.tasks)} tasks); "
                    "give it more rows, keep fewer of the others (corpus.splits.train_rows), or take `sampler: {name: uniform}`"
                )
            if task.repeated:
                found.append(
                    f"task '{name}' would be repeated {task.passes:.1f} times, more than {MOST_PASSES}; "
                    "lower training.epochs, give it more rows, or take `sampler: {name: proportional}`"
                )
        return found

    def lines(self) -> list[str]:
        """The plan in plain words: a heading, one line per task, the warnings."""
        width = max(len("task"), *map(len, self.tasks))
        heading = f"{'task':<{width}}  {'rows':>10}  {'rows/epoch':>10}  {'updates':>10}  {'passes':>7}  {'share':>6}"
        return [
            f"sampling plan: {self.epochs} epochs of batches of {self.batch_size} rows, {self.updates:,} updates at most",
            heading,
            *(
                f"{name:<{width}}  {task.rows:>10,}  {task.rows_per_epoch:>10,.0f}  {task.updates:>10,.0f}"
                f"  {task.passes:>7.1f}  {task.share:>6.1%}"
                for name, task in self.tasks.items()
            ),
            *(f"warning: {warning}" for warning in self.warnings),
        ]


def sampling_plan(rows: Mapping[str, int], training: Training) -> SamplingPlan:
    """The plan for `rows`, task -> training rows. `CorpusError` for a task without any, or for no task at all."""
    if not rows:
        raise CorpusError("no task to train; name at least one under tasks")
    for task, count in rows.items():
        if count < 1:
            raise CorpusError(f"task '{task}' has no training rows; look at its corpus and at corpus.splits")
    sampler = build_sampler(training.sampler)
    per_epoch = [sampler.quotas(rows, epoch, training.epochs) for epoch in range(1, training.epochs + 1)]
    drawn = {task: sum(quotas[task] for quotas in per_epoch) for task in rows}
    total = sum(drawn.values())
    return SamplingPlan(
        epochs=training.epochs,
        batch_size=training.batch_size,
        updates=sum(math.ceil(sum(quotas.values()) / training.batch_size) for quotas in per_epoch),
        tasks={
            task: TaskPlan(
                rows=count,
                rows_per_epoch=drawn[task] / training.epochs,
                updates=drawn[task] / training.batch_size,
                passes=drawn[task] / count,
                share=drawn[task] / total,
                starved=drawn[task] * 10 * len(rows) < total,
                repeated=drawn[task] > MOST_PASSES * count,
            )
            for task, count in rows.items()
        },
    )
