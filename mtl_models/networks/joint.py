"""The networks of Joint Learn: a shared encoder of words, LSTM and perhaps more, one linear head per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from mtl_models.config.network import JointLstm as JointLstmSection
from mtl_models.layers.dropout import LockedDropout
from mtl_models.layers.embeddings import Embeddings
from mtl_models.layers.lstm import MaskedLstm
from mtl_models.layers.pooling import Pooling
from mtl_models.networks.network import Batch, SharedEncoder
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

__all__ = ["Joint"]


class Joint(SharedEncoder):
    """Embeddings, LSTM, pooling, linear heads (Khan and Shahid, Software Impacts 2022, first network).

    `pooling=("last",)` in one direction is the original: its output layers read the last hidden state.
    """

    def __init__(self, config: JointLstmSection, tasks: Sequence[Task], matrices: Mapping[str, Tensor]) -> None:
        super().__init__(tasks)
        self.embeddings = Embeddings(matrices, {task.name: task.vocabulary for task in tasks}, config.trainable_embeddings)
        self.embedding_dropout = LockedDropout(config.dropout)
        self.lstm = MaskedLstm(self.embeddings.dimension, config.hidden, config.layers, config.bidirectional, config.dropout)
        self.pooling = Pooling(config.pooling, self.lstm.directions)
        self.feature_dropout = nn.Dropout(config.dropout)
        for task in tasks:
            self.heads[task.name] = kind_of(task).head(self.lstm.features * len(config.pooling))

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Features (B, ways * directions * hidden) of every row."""
        lengths = batch.lengths.to(batch.ids.device, non_blocking=True)
        vectors = self.embedding_dropout(self.embeddings(batch.ids, batch.rows))
        pooled = self.pooling(self.lstm(vectors, lengths), lengths)
        features: Tensor = self.feature_dropout(pooled)
        return features, None
