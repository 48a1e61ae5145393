"""What does not move in training, and training in phases."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from mtl_models.config.base import Section

__all__ = ["Freeze", "Phase"]

TaskName = Annotated[str, Field(min_length=1)]


class Freeze(Section):
    """Weights that keep the values they begin with."""

    encoder: bool = Field(False, description="all that is no head (nor an adapter): only heads learn")
    lowest: int = Field(0, ge=0, description="the embeddings and so many layers above them")
    heads: tuple[TaskName, ...] = Field((), description="the heads of these tasks")
    thaw_every: int | None = Field(
        None, ge=1, description="gradual: heads first, and every so many epochs one more part moves, from the top down"
    )

    @model_validator(mode="after")
    def _one_policy(self) -> Freeze:
        if self.encoder and (self.lowest or self.thaw_every):
            raise ValueError("encoder: true freezes all that lowest and thaw_every are about; leave them out, or take encoder: false")
        return self

    @property
    def anything(self) -> bool:
        """Whether anything is frozen at all."""
        return self != Freeze()


class Phase(Section):
    """One of several trainings in a row, each of which begins where the one before ended."""

    tasks: tuple[TaskName, ...] | None = Field(None, min_length=1, description="tasks trained in it; default: all")
    epochs: int = Field(ge=1, description="at most so many passes")
    learning_rate: float | None = Field(None, gt=0.0, le=10.0, description="default: that of the training")
    freeze: Freeze = Freeze()
