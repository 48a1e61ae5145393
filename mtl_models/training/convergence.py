"""How soon: what it took a twin to get as good as it gets on dev, and what it took the joint model to get there.

The claim that tasks trained together reach the quality of tasks trained apart in fewer updates (Sanh, Wolf and Ruder 2019, section 5) is
about rows of the task itself; updates of the joint model are mostly those of the other tasks, so both are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from mtl_models.training.history import EpochRecord, History

__all__ = ["Convergence", "Cost", "convergence"]


class Cost(BaseModel):
    """What a training had seen at the end of an epoch."""

    epoch: int
    rows: int
    """Rows of the task, a row as often as it came."""
    updates: int
    """Updates of the model, whichever tasks they were of."""


class Convergence(BaseModel):
    """One task."""

    goal: float
    """The best dev metric of the twin."""
    twin: Cost
    joint: Cost | None
    """When the joint model had the goal, in the first epoch that did; None where none did."""
    best: float
    """The best dev metric of the joint model."""


def convergence(joint: History, twins: Mapping[str, History], metric: str) -> dict[str, Convergence]:
    """Every task with dev rows."""
    found = {}
    for task, twin in twins.items():
        alone, together = _measured(twin.epochs, task, metric), _measured(joint.epochs, task, metric)
        if alone and together:
            goal = max(alone.values())
            first = min(epoch for epoch, value in alone.items() if value == goal)
            there = min((epoch for epoch, value in together.items() if value >= goal), default=None)
            found[task] = Convergence(
                goal=goal,
                twin=_cost(twin.epochs, task, first),
                joint=None if there is None else _cost(joint.epochs, task, there),
                best=max(together.values()),
            )
    return found


def _measured(records: Iterable[EpochRecord], task: str, metric: str) -> dict[int, float]:
    """Epoch -> the task's dev metric."""
    return {record.epoch: record.dev[task][metric] for record in records if task in record.dev}


def _cost(records: Iterable[EpochRecord], task: str, epoch: int) -> Cost:
    until = [record for record in records if record.epoch <= epoch]
    return Cost(epoch=epoch, rows=sum(record.examples.get(task, 0) for record in until), updates=until[-1].updates)
