"""How a trained model takes on new tasks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mtl_models.config.base import Section

__all__ = ["Finetuning"]


class Finetuning(Section):
    """Which weights of the trained model may move; read by `polytask finetune` only."""

    freeze: Literal["all_but_new", "encoder", "gradual", "none"] = Field(
        "all_but_new",
        description="all_but_new: only what the new tasks own moves, old answers stay the same to the bit; encoder: heads and words move; "
        "gradual: the encoder thaws from the top; none: everything moves",
    )
    thaw_every: int = Field(1, ge=1, description="with `freeze: gradual`: epochs between two parts that begin to move")
