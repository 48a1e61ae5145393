"""The sampling plan: what training will do with each task's rows, known and printed before it does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel

from mtl_models.config.training import Training
from mtl_models.errors import CorpusError
from mtl_models.training.batch_counts import count_by_rows, count_by_tokens
from mtl_models.training.cutting import Lengths
from mtl_models.training.samplers.quotas import expected_quotas

__all__ = ["SamplingPlan", "TaskPlan", "refuse_empty", "sampling_plan"]

MOST_PASSES = 20
"""More passes over one task's rows than this over the whole training earn a warning."""

_UNIFORM = "take `sampler: {name: temperature}` or `{name: uniform}`"
_MORE = {
    "temperature": "lower sampler.alpha or sampler.cap",
    "given": "raise its sampler.probabilities",
    "sequential": "take `sampler: {name: round_robin}`",
}
_PROPORTIONAL = ", or take `sampler: {name: proportional}`"
_FEWER = {
    "uniform": _PROPORTIONAL,
    "temperature": ", or raise sampler.alpha",
    "annealed": _PROPORTIONAL,
    "given": ", or lower its sampler.probabilities",
    "round_robin": ", or take `sampler: {name: sequential}`",
}
"""What to do about a task that starves, or is repeated, by the sampler that does it."""


class TaskPlan(BaseModel):
    """What one task gets if no task stops early."""

    rows: int
    """Training rows, altered copies among them."""
    rows_per_epoch: float
    """Rows drawn in an epoch, on average over the epochs."""
    updates: float
    """Updates over all epochs that the task has a part in; mixed ones count by the part of their rows that is the task's."""
    passes: float
    """How often each row is seen over all epochs, on average."""
    share: float
    """Share of all rows drawn, in [0, 1]."""
    ends: float = 1.0
    """Share of an epoch, on average, after which all rows have come once; below 1 the task then begins again, and the epoch goes on."""
    starved: bool
    """Less than 1 / (10 T) of the updates, T tasks; where every update aggregates all tasks, of the rows."""
    repeated: bool
    """More than 20 passes."""


class SamplingPlan(BaseModel):
    """What every task gets over the whole training; early stopping can only shorten it."""

    epochs: int
    batch_size: int
    batch_tokens: int | None = None
    """Tokens that a batch has at most, where that is limited."""
    updates: int
    """Updates over all epochs."""
    sampler: str = "proportional"
    """Name of the sampler."""
    draws: Literal["exact", "random"] = "exact"
    """With `random` all numbers are those to expect."""
    mode: Literal["mixed", "single_task", "aggregate"] = "mixed"
    """What an update sees."""
    tasks: dict[str, TaskPlan]

    @property
    def warnings(self) -> list[str]:
        """One sentence for each task that would starve or be repeated too often, with what to do."""
        found = []
        updates = sum(task.updates for task in self.tasks.values())
        for name, task in self.tasks.items():
            if task.starved:
                part = f"{task.share:.2%} of the rows" if self.mode == "aggregate" else f"{task.updates / updates:.2%} of the updates"
                found.append(
                    f"task '{name}' would starve: {part}, less than 1/(10 x {len(self.tasks)} tasks); "
                    f"give it more rows, keep fewer of the others (corpus.splits.train_rows), or {_MORE.get(self.sampler, _UNIFORM)}"
                )
            if task.repeated:
                found.append(
                    f"task '{name}' would be repeated {task.passes:.1f} times, more than {MOST_PASSES}; "
                    f"lower training.epochs, give it more rows{_FEWER.get(self.sampler, '')}"
                )
        return found

    @property
    def notes(self) -> list[str]:
        """What is worth knowing and nothing to worry about: the task whose rows are the first to be through."""
        first, ends = min(((name, task.ends) for name, task in self.tasks.items()), key=lambda pair: pair[1])
        if ends >= 0.99:
            return []
        return [f"task '{first}' is through its rows after {ends:.0%} of an epoch and begins again, shuffled anew; it ends no epoch"]

    def heading(self) -> str:
        """The plan in one line: epochs, batches, updates, and what differs from mixed batches in proportion."""
        rows = "rows of every task" if self.mode == "aggregate" else "rows"
        rows += "" if self.batch_tokens is None else f" and {self.batch_tokens:,} tokens at most"
        special = [f"{self.mode} updates"] * (self.mode != "mixed") + [f"{self.sampler} sampler"] * (self.sampler != "proportional")
        special += ["drawn at random"] * (self.draws == "random")
        return ", ".join(
            [f"sampling plan: {self.epochs} epochs of batches of {self.batch_size} {rows}", f"{self.updates:,} updates at most", *special]
        )

    def lines(self) -> list[str]:
        """The plan in plain words: a heading, one line per task, notes and warnings."""
        width = max(len("task"), *map(len, self.tasks))
        columns = f"{'task':<{width}}  {'rows':>10}  {'rows/epoch':>10}  {'updates':>10}  {'passes':>7}  {'share':>6}"
        return [
            self.heading(),
            columns,
            *(
                f"{name:<{width}}  {task.rows:>10,}  {task.rows_per_epoch:>10,.0f}  {task.updates:>10,.0f}"
                f"  {task.passes:>7.1f}  {task.share:>6.1%}"
                for name, task in self.tasks.items()
            ),
            *(f"note: {note}" for note in self.notes),
            *(f"warning: {warning}" for warning in self.warnings),
        ]


def sampling_plan(rows: Mapping[str, int], training: Training, lengths: Mapping[str, Lengths] | None = None, seed: int = 0) -> SamplingPlan:
    """The plan for `rows`, task -> training rows, over all phases.

    Where `training.batch_tokens` cuts batches, how many there are depends on `lengths`, task -> tokens (N,) of its N training rows, and
    on the `seed` of the training. `CorpusError` for a task without rows, or for no task at all.
    """
    refuse_empty(rows)
    assert training.batch_tokens is None or lengths is not None, "batches are cut by tokens, so their number needs the lengths of the rows"
    drawn, of_task, epochs = dict.fromkeys(rows, 0), dict.fromkeys(rows, 0.0), dict.fromkeys(rows, 0)
    updates = all_epochs = 0
    for named, phase in training.in_phases():
        chosen = {task: count for task, count in rows.items() if named is None or task in named}
        for epoch in range(1, phase.epochs + 1 if chosen else 1):
            quotas = expected_quotas(phase, chosen, epoch)
            if phase.batch_tokens is None or lengths is None:
                batches = count_by_rows(phase, quotas)
            else:
                batches = count_by_tokens(phase, {task: lengths[task] for task in chosen}, epoch, seed)
            all_epochs += 1
            updates += batches.updates
            for task in chosen:
                drawn[task] += quotas[task]
                of_task[task] += batches.of_task[task]
                epochs[task] += 1
    total = sum(drawn.values())
    weight = drawn if training.updates == "aggregate" else of_task
    return SamplingPlan(
        epochs=all_epochs,
        batch_size=training.batch_size,
        batch_tokens=training.batch_tokens,
        updates=updates,
        sampler=training.sampler.name,
        draws=getattr(training.sampler, "draws", "exact"),
        mode=training.updates,
        tasks={
            task: TaskPlan(
                rows=count,
                rows_per_epoch=drawn[task] / all_epochs,
                updates=of_task[task],
                passes=drawn[task] / count,
                share=drawn[task] / total,
                ends=min(1.0, count * epochs[task] / drawn[task]) if drawn[task] else 1.0,
                starved=weight[task] * 10 * len(rows) < sum(weight.values()),
                repeated=drawn[task] > MOST_PASSES * count,
            )
            for task, count in rows.items()
        },
    )


def refuse_empty(rows: Mapping[str, int]) -> None:
    """`CorpusError` for a task without training rows, or for no task at all."""
    if not rows:
        raise CorpusError("no task to train; name at least one under tasks")
    for task, count in rows.items():
        if count < 1:
            raise CorpusError(f"task '{task}' has no training rows; look at its corpus and at corpus.splits")
