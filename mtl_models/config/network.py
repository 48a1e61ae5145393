"""The architectures, one section each; `name` tells them apart."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mtl_models.config.base import Section

__all__ = ["JointLstm", "Network"]

Dropout = Annotated[float, Field(ge=0.0, lt=1.0)]


class JointLstm(Section):
    """Embeddings, one shared LSTM, one linear head per task (Khan and Shahid 2022, first network).

    `pooling: [last], bidirectional: false, layers: 4` are the original's choices.
    """

    name: Literal["joint_lstm"] = "joint_lstm"
    hidden: int = Field(128, ge=1, description="units per direction and layer")
    layers: int = Field(1, ge=1)
    bidirectional: bool = True
    pooling: tuple[Literal["last", "max", "mean"], ...] = Field(
        ("max", "mean"), min_length=1, description="states given to the heads, concatenated"
    )
    dropout: Dropout = Field(0.5, description="on the embeddings, between layers and on the pooled states")
    trainable_embeddings: bool = Field(True, description="train the embedding matrix, or keep it frozen")


Network = JointLstm
