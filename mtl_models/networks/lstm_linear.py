"""DLNC's comparison model: one shared LSTM, its last state, a head per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from mtl_models.config.network import LstmLinear as LstmLinearSection
from mtl_models.layers.embeddings import Embeddings
from mtl_models.layers.lstm import MaskedLstm
from mtl_models.layers.pooling import last_state
from mtl_models.networks.network import Batch, SharedEncoder
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

__all__ = ["LstmLinear"]


class LstmLinear(SharedEncoder):
    """Embeddings, an LSTM read to its end, dropout, heads (Ghasemi's baseline, which is trained on each task alone)."""

    embeddings: Embeddings

    def __init__(self, config: LstmLinearSection, tasks: Sequence[Task], matrices: Mapping[str, Tensor]) -> None:
        super().__init__(tasks)
        self.embeddings = Embeddings(matrices, {task.name: task.vocabulary for task in tasks}, config.trainable_embeddings)
        self.lstm = MaskedLstm(self.embeddings.dimension, config.hidden)
        self.feature_dropout = nn.Dropout(config.dropout)
        for task in tasks:
            self.heads[task.name] = kind_of(task).head(config.hidden)

    def encode(self, batch: Batch) -> tuple[Tensor, None]:
        """Features (B, hidden) of every row; there is no penalty."""
        lengths = batch.lengths.to(batch.ids.device, non_blocking=True)
        states = self.lstm(self.embeddings(batch.ids, batch.rows), lengths)
        return self.feature_dropout(last_state(states, lengths)), None
