"""How a network is trained: batches, sampler, objective, optimizer, schedule, stopping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from mtl_models.config.base import Section
from mtl_models.config.freezing import Freeze, Phase
from mtl_models.config.objectives import CaGrad, FixedWeights, Mgda, NashMtl, Objective, PcGrad, UpGrad
from mtl_models.config.samplers import ProportionalSampler, RoundRobinSampler, Sampler, SequentialSampler

__all__ = ["Training"]


class Training(Section):
    """The budget and the optimizer; the joint model and every twin get the same."""

    epochs: int = Field(12, ge=1, description="at most so many passes")
    batch_size: int = Field(32, ge=1, description="rows per update; of every task where updates aggregate them")
    batch_tokens: int | None = Field(
        None, ge=1, description="and at most so many tokens, padding included: long texts make smaller batches; null is no limit"
    )
    max_tokens: int = Field(256, ge=1, description="a longer text is cut after so many tokens")
    sampler: Sampler = ProportionalSampler()
    updates: Literal["mixed", "single_task", "aggregate"] = Field(
        "mixed",
        description="what an update sees: one batch that mixes the tasks, one batch of one task, or a batch of every task, losses combined",
    )
    objective: Objective = FixedWeights()
    successive_regularisation: float | None = Field(
        None, gt=0.0, description="weight of the pull back to the shared weights as a task's pass began; needs `sampler: sequential`"
    )
    learning_state: Literal["shared", "per_task"] = Field(
        "shared", description="the optimizer's moments: one set, or one per task (needs `updates: single_task`)"
    )
    conflicts_every: int | None = Field(
        100, ge=1, description="measure the cosines of the tasks' gradients every so many updates; null never"
    )
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0.0, le=10.0)
    layer_decay: float = Field(
        1.0, gt=0.0, le=1.0, description="factor on the learning rate from one layer to the one below; heads have the full rate"
    )
    freeze: Freeze = Freeze()
    phases: tuple[Phase, ...] = Field((), description="trainings in a row, each with its tasks, epochs and freezing; default: one")
    weight_decay: float = Field(0.01, ge=0.0, description="decoupled with adamw, L2 with adam")
    warmup: float = Field(0.1, ge=0.0, lt=1.0, description="share of the updates over which the learning rate rises")
    decay: Literal["linear", "cosine", "none"] = Field("linear", description="shape of the fall to zero after the warm-up")
    clip: float | None = Field(1.0, gt=0.0, description="largest norm of the gradient; null does not clip")
    patience: int | None = Field(4, ge=1, description="a task stops after so many epochs without a better dev metric; null never stops")
    metric: Literal["macro_f1", "accuracy", "mcc"] = Field("macro_f1", description="dev metric that stops a task and picks the weights")
    pick_by: str = Field(
        "mean", description="whose dev metric picks the epoch whose weights are kept: the mean of all tasks, or the task of that name"
    )
    calibration: Literal["none", "temperature"] = Field(
        "none",
        description="divide each task's logits by a temperature fitted on dev after training; no answer changes, only how sure it is",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU where there is one")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto is bf16 on a GPU and fp32 on a CPU")
    processes: int = Field(1, ge=1, description="share every batch among so many processes of this machine; each has a GPU, or CPU threads")

    @model_validator(mode="after")
    def _pairs_are_possible(self) -> Training:
        faults = [*self._impossible_pairs(), *self._phases_alone(), *self._idle_processes()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _impossible_pairs(self) -> Iterator[str]:
        sampler, objective, updates = self.sampler.name, self.objective.name, self.updates
        if isinstance(self.sampler, SequentialSampler | RoundRobinSampler) and updates != "single_task":
            yield (
                f"`sampler: {{name: {sampler}}}` puts batches of one task in order, and `updates: {updates}` makes none; "
                "take `updates: single_task`, or another sampler"
            )
        if isinstance(self.objective, UpGrad | PcGrad | Mgda | CaGrad | NashMtl) and updates != "aggregate":
            yield (
                f"`objective: {{name: {objective}}}` wants the gradients of every task in every update, and `updates: {updates}` "
                "does not have them; take `updates: aggregate`, or another objective"
            )
        if self.successive_regularisation is not None and not isinstance(self.sampler, SequentialSampler):
            yield (
                f"`successive_regularisation` pulls back to where a task's pass began, and `sampler: {{name: {sampler}}}` has no passes; "
                "take `sampler: {name: sequential}`, or leave it out"
            )
        if self.batch_tokens is not None and updates == "aggregate":
            yield "`updates: aggregate` needs rows of every task in each update, which `batch_tokens` would part; leave one of them out"
        if self.learning_state == "per_task" and updates != "single_task":
            yield (
                f"`learning_state: per_task` wants updates of one task each, and those of `updates: {updates}` are of several; "
                "take `updates: single_task`, or `learning_state: shared`"
            )

    def _phases_alone(self) -> Iterator[str]:
        for key in ("epochs", "freeze"):
            if self.phases and key in self.model_fields_set:
                yield f"`{key}` stands in every phase; leave out `training.{key}` where there are `training.phases`"

    def _idle_processes(self) -> Iterator[str]:
        if self.processes > self.batch_size:
            yield (
                f"`processes: {self.processes}` share batches of `batch_size: {self.batch_size}` rows, which leaves some without one; "
                "take fewer processes, or larger batches"
            )

    def in_phases(self) -> list[tuple[tuple[str, ...] | None, Training]]:
        """Tasks (None: all) and settings of every phase; without `phases` the one training there is."""
        if not self.phases:
            return [(None, self)]
        return [
            (
                phase.tasks,
                self.model_copy(
                    update={
                        "phases": (),
                        "epochs": phase.epochs,
                        "freeze": phase.freeze,
                        "learning_rate": phase.learning_rate or self.learning_rate,
                    }
                ),
            )
            for phase in self.phases
        ]
