"""The account of a training: one record per epoch, and what came of it. Plain values, ready for JSON."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

__all__ = ["Calibration", "EpochRecord", "History"]


class EpochRecord(BaseModel):
    """One epoch. A task that is out of patience is missing from what concerns training, never from `dev`."""

    epoch: int
    """Counted from 1."""
    updates: int
    """Updates since the start of the training, this epoch included."""
    seconds: float
    """Training and evaluation on dev."""
    learning_rate: float
    """Of the last update."""
    train_loss: dict[str, float]
    """Task -> mean over its rows of the un-weighted loss, with dropout on, while the weights moved."""
    dev: dict[str, dict[str, float]]
    """Task -> loss, accuracy, macro_f1, mcc on the dev split; a task without dev rows is missing."""
    examples: dict[str, int]
    """Task -> rows trained on."""
    examples_per_second: dict[str, float]
    """Task -> rows trained on per second of training."""
    padded: float
    """Share of padding among the tokens of the batches, in [0, 1]."""
    weights: dict[str, float] = {}
    """Task -> the objective's factor on its loss (for gradient methods, on its gradient), mean over the updates it had rows in."""
    conflicts: dict[str, float] = {}
    """Pair of tasks `a/b` -> mean cosine of their gradients on the shared parameters; empty where none was measured."""


class Calibration(BaseModel):
    """What dividing one task's logits by a temperature did on its dev split, which the temperature was fitted on."""

    temperature: float
    rows: int
    loss: tuple[float, float]
    """Mean negative log likelihood before and after; of several labels, per label."""
    error: tuple[float, float]
    """Expected calibration error before and after, in [0, 1]."""


class History(BaseModel):
    """A whole training."""

    epochs: list[EpochRecord]
    best_epoch: int
    """The epoch whose weights were kept: the best mean dev metric over the tasks, the earlier one of equals."""
    stopped: dict[str, int]
    """Task -> the last epoch it trained in, for the tasks that ran out of patience."""
    seconds: float
    """Sum over the epochs, those before an interruption included."""
    resumed_from: int | None
    """The epoch of the checkpoint that this process took up, if it did."""
    device: str
    precision: str
    """fp32 or bf16."""
    parameters: int
    """Trainable numbers."""
    calibration: dict[str, Calibration] = {}
    """Task -> its temperature and what it did; empty where none was fitted."""

    @classmethod
    def of_phases(cls, phases: Sequence[History]) -> History:
        """One account of trainings in a row: epochs and updates count on; best, stopped and parameters are the last one's."""
        if len(phases) == 1:
            return phases[0]
        epochs: list[EpochRecord] = []
        resumed: int | None = None
        for phase in phases:
            before, updates = len(epochs), epochs[-1].updates if epochs else 0
            resumed = resumed if phase.resumed_from is None else phase.resumed_from + before
            epochs += [r.model_copy(update={"epoch": r.epoch + before, "updates": r.updates + updates}) for r in phase.epochs]
        first = len(epochs) - len(phases[-1].epochs)
        last = phases[-1]
        return last.model_copy(
            update={
                "epochs": epochs,
                "best_epoch": last.best_epoch + first,
                "stopped": {task: epoch + first for task, epoch in last.stopped.items()},
                "seconds": sum(phase.seconds for phase in phases),
                "resumed_from": resumed,
            }
        )
