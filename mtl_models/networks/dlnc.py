"""DLNC, the domain layer norm classifier: LSTM weights that all tasks share, layer norms and an embedding of each task's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_models.config.network import Dlnc as DlncSection
from mtl_models.layers.dln.lstm import DlnCell, DlnLstm
from mtl_models.layers.dln.norms import DomainNorms, stacked_norms
from mtl_models.layers.embeddings import Embeddings
from mtl_models.networks.network import Batch, Network, Output
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

__all__ = ["Dlnc", "DlncHead"]


class DlncHead(nn.Module):
    """All that a task owns in a DLNC: norms of the encoder and of the classifier cell, its embedding u, output layer, perhaps the cell."""

    def __init__(self, config: DlncSection, task: Task) -> None:
        super().__init__()
        self.encoder_norms = DomainNorms(config.hidden)
        self.classifier_norms = DomainNorms(config.hidden, has_input=config.task_embedding is not None)
        self.embedding = None if config.task_embedding is None else nn.Parameter(torch.randn(config.task_embedding))
        self.cell = _classifier_cell(config) if config.separate_classifier_cell else None
        self.output = kind_of(task).head(config.hidden)


class Dlnc(Network):
    """Domain layer norm classifier (Ghasemi).

    A DLN-LSTM reads the text under the norms of its task; a second DLN-LSTM cell goes on from the last state for one step, whose input
    is the task's learned embedding; then dropout, output layer, in training dropout on the logits. As the encoder depends on the task,
    a text that several tasks ask for is read once for each of them. `heads[task]` holds all that a task owns.
    """

    embeddings: Embeddings

    def __init__(self, config: DlncSection, tasks: Sequence[Task], matrices: Mapping[str, Tensor]) -> None:
        super().__init__(tasks)
        self.embeddings = Embeddings(matrices, {task.name: task.vocabulary for task in tasks}, config.trainable_embeddings)
        self.encoder = DlnLstm(self.embeddings.dimension, config.hidden, config.cell_activation, config.recurrent_dropout)
        self.classifier_cell = None if config.separate_classifier_cell else _classifier_cell(config)
        self.feature_dropout = nn.Dropout(config.dropout)
        self.logit_dropout = nn.Dropout(config.logit_dropout)
        for task in tasks:
            self.heads[task.name] = DlncHead(config, task)

    def forward(self, batch: Batch) -> Output:
        """Every row through the encoder and the classifier cell under the norms of the tasks that ask for it; absent tasks take no part."""
        if not batch.rows:
            return Output({})
        heads = [self._head(task) for task in batch.rows]
        counts = [len(rows) for rows in batch.rows.values()]
        index = torch.cat(list(batch.rows.values()))
        owner = torch.arange(len(heads), device=index.device).repeat_interleave(torch.tensor(counts, device=index.device))
        places = dict(zip(batch.rows, torch.arange(len(index), device=index.device).split(counts), strict=True))  # type: ignore[no-untyped-call]
        vectors = self.embeddings(batch.ids[index], places)
        norms = stacked_norms([head.encoder_norms for head in heads])
        h, c = self.encoder(vectors, batch.lengths[index.cpu()], norms, owner)
        states = self.feature_dropout(self._classified(heads, counts, owner, h, c))
        parts = states.split(counts)
        return Output({task: self.logit_dropout(head.output(part)) for task, head, part in zip(batch.rows, heads, parts, strict=True)})

    def start_like_others(self, task: str) -> None:
        """Give `task`, new on a trained network, the mean of the other tasks' norms; its embedding and output layer stay as drawn."""
        others = [self._head(name) for name in self.heads if name != task]
        new = self._head(task)
        new.encoder_norms.start_at_mean([other.encoder_norms for other in others])
        new.classifier_norms.start_at_mean([other.classifier_norms for other in others])

    def _classified(self, heads: Sequence[DlncHead], counts: Sequence[int], owner: Tensor, h: Tensor, c: Tensor) -> Tensor:
        """(B, H): one step of the classifier cell, shared or each task's own, from the encoder's last state."""
        norms = stacked_norms([head.classifier_norms for head in heads])
        inputs: list[Tensor] = [head.embedding for head in heads if head.embedding is not None]
        x = torch.stack(inputs)[owner] if inputs else None
        if self.classifier_cell is not None:
            shared: Tensor = self.classifier_cell(x, h, c, norms, owner)
            return shared
        ends = torch.tensor(counts).cumsum(0).tolist()
        cuts = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
        cells = [head.cell for head in heads if head.cell is not None]
        return torch.cat(
            [cell(None if x is None else x[cut], h[cut], c[cut], norms, owner[cut]) for cell, cut in zip(cells, cuts, strict=True)]
        )

    def _head(self, task: str) -> DlncHead:
        head = self.heads[task]
        assert isinstance(head, DlncHead)
        return head


def _classifier_cell(config: DlncSection) -> DlnCell:
    return DlnCell(config.task_embedding, config.hidden, config.cell_activation)
