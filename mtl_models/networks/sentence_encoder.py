"""One pre-trained backbone, pooled, and many heads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from mtl_models.config.backbone import SentenceEncoder as SentenceEncoderSection
from mtl_models.errors import ConfigError
from mtl_models.layers.adapters import Adapters
from mtl_models.layers.dropout import Dropout, with_fast_dropout
from mtl_models.layers.masks import text_mask
from mtl_models.layers.pooling import pooled
from mtl_models.networks.backbone import Backbone, parts_of
from mtl_models.networks.network import Batch, Output, SharedEncoder
from mtl_models.networks.shared_heads import SharedHeads
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

__all__ = ["SentenceEncoder"]


class SentenceEncoder(SharedEncoder):
    """A Hugging Face encoder, one vector per text, dropout, heads (Reimers and Gurevych 2019, section 3, with heads on the pooled vector).

    The vector goes to the heads as it is: normalised, it would cap the logits. With adapters per task a text is encoded once for each
    task that asks for it; without, once for all. What does not move does not drop either, so a frozen backbone gives a text one vector.
    """

    def __init__(self, config: SentenceEncoderSection, tasks: Sequence[Task], backbones: Mapping[str, Backbone]) -> None:
        super().__init__(tasks)
        ((self.vocabulary, origin),) = backbones.items()
        self._config = origin.config
        self.backbone = with_fast_dropout(origin.build(config.hidden_dropout, config.attention_dropout))
        self.adapters: Adapters | None = None
        if config.lora is not None:
            names = [_SHARED] if config.lora.shared else [task.name for task in tasks]
            self.adapters = Adapters(self.backbone, config.lora, names)
        self.per_task = config.lora is not None and not config.lora.shared
        self.pooling = config.pooling
        self.feature_dropout = Dropout(config.dropout)
        self.width = width = origin.width
        for task in tasks:
            self.heads[task.name] = kind_of(task).head(width) if config.head == "linear" else _perceptron(task, width)
        if config.shared_head:
            self.shared_heads = SharedHeads(tasks, width)

    def forward(self, batch: Batch) -> Output:
        """One pass of the backbone, or with adapters per task one row for every pair of a text and a task."""
        if not self.per_task or batch.features is not None:
            return super().forward(batch)
        pairs = torch.cat([*batch.rows.values()])
        names = [task for task, rows in batch.rows.items() for _ in range(len(rows))]
        lengths = batch.lengths[pairs.cpu()]
        features = self.feature_dropout(self._pooled(batch.ids[pairs, : int(lengths.max())], lengths, names))
        parts = features.split([len(rows) for rows in batch.rows.values()])
        return Output({task: self.heads[task](part) for task, part in zip(batch.rows, parts, strict=True)})

    def encode(self, batch: Batch) -> tuple[Tensor, None]:
        """Features (B, F) of every row; there is no penalty."""
        return self.feature_dropout(self.pooled(batch)), None

    def pooled(self, batch: Batch, task: str | None = None) -> Tensor:
        """The vector (B, F) of every row: through the adapter of `task`, or none, where tasks have their own."""
        if batch.features is not None:
            return batch.features
        return self._pooled(batch.ids, batch.lengths, [task if self.per_task else _SHARED] * len(batch.ids))

    @property
    def features_fixed(self) -> bool:
        """Whether a text has one vector as long as the trainable weights stay those that are trainable now."""
        return not any(parameter.requires_grad for parameter in self.backbone.parameters())

    def features_named(self, task: str) -> str:
        """The pooling, and the task where it has an adapter."""
        return f"{self.pooling} {task if self.per_task else ''}"

    def features_of(self, batch: Batch, task: str) -> Tensor:
        """The vector (B, F) of every row."""
        return self.pooled(batch, task)

    def starting_weights(self) -> Mapping[str, Backbone]:
        """The architecture of the backbone."""
        return {self.vocabulary: Backbone(self._config)}

    def encoder_parts(self) -> list[nn.Module]:
        """The layers of the backbone from the top down, its embeddings last; adapters go with their layer."""
        return parts_of(self.backbone)

    def owned_by(self, tasks: Collection[str]) -> tuple[str, ...]:
        """With their adapters."""
        own = () if self.adapters is None or not self.per_task else self.adapters.weights_of(tasks)
        return (*super().owned_by(tasks), *(f"backbone.{name}" for name in own))

    def train(self, mode: bool = True) -> SentenceEncoder:
        """Layers without a weight that moves stay in evaluation mode."""
        super().train(mode)
        for part in self.encoder_parts():
            if not any(parameter.requires_grad for parameter in part.parameters()):
                part.train(False)
        return self

    def _pooled(self, ids: Tensor, lengths: Tensor, adapters: Sequence[str | None]) -> Tensor:
        """The vectors (B, F), row i through the adapter `adapters[i]`."""
        lengths = lengths.to(ids.device, non_blocking=True)
        mask = text_mask(lengths, ids.shape[1])
        ids = ids.masked_fill(~mask, self._config.get("pad_token_id") or 0)
        with nullcontext() if self.adapters is None else self.adapters.chosen(adapters):
            states = self._states(ids, mask)
        return pooled(self.pooling, states, lengths)

    def _states(self, ids: Tensor, mask: Tensor) -> Tensor:
        positions = Backbone(self._config).positions
        if positions is not None and ids.shape[1] > positions:
            raise ConfigError(f"max_tokens: the backbone reads {positions} tokens at most, and a text has {ids.shape[1]}; lower max_tokens")
        states: Tensor = self.backbone(input_ids=ids, attention_mask=mask.to(torch.int64)).last_hidden_state
        return states


_SHARED = "shared"


def _perceptron(task: Task, width: int) -> nn.Module:
    """Features (B, F) -> F / 2, GELU, outputs."""
    return nn.Sequential(nn.Linear(width, width // 2), nn.GELU(), kind_of(task).head(width // 2))
