"""The networks of Joint Learn: a shared encoder of words, transformer, LSTM and attention, one head per task."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_models.config.network import (
    AttentionSection,
    JointLstm,
    JointLstmAttention,
    JointTransformerLstm,
    JointTransformerLstmAttention,
    Ways,
)
from mtl_models.layers.dropout import Dropout, LockedDropout
from mtl_models.layers.embeddings import Embeddings
from mtl_models.layers.lstm import MaskedLstm
from mtl_models.layers.masks import of_like_length
from mtl_models.layers.ngrams import NgramBag
from mtl_models.layers.pooling import Pooling
from mtl_models.layers.self_attention import StructuredSelfAttention, attention_penalty
from mtl_models.layers.transformer import PositionedWords, Transformer
from mtl_models.networks.network import Batch, SharedEncoder
from mtl_models.networks.shared_heads import SharedHeads
from mtl_models.tasks.kind import kind_of
from mtl_models.tasks.task import Task

__all__ = ["AttentiveReader", "Joint", "JointSection", "PooledReader"]

JointSection = JointLstm | JointLstmAttention | JointTransformerLstm | JointTransformerLstmAttention


class Joint(SharedEncoder):
    """Embeddings, perhaps a transformer, LSTM, pooling or self-attention, heads (Khan and Shahid, Software Impacts 2022).

    `pooling=("last",)` in one direction is the original: its output layers read the last hidden state.
    Raises `ConfigError` where the transformer's heads do not divide the dimension of the word vectors.
    """

    embeddings: Embeddings

    def __init__(self, config: JointSection, tasks: Sequence[Task], matrices: Mapping[str, Tensor]) -> None:
        super().__init__(tasks)
        self.embeddings = Embeddings(matrices, {task.name: task.vocabulary for task in tasks}, config.trainable_embeddings)
        width = self.embeddings.dimension
        self.embedding_dropout: nn.Module = LockedDropout(config.dropout)
        self.transformer: Transformer | None = None
        if isinstance(config, JointTransformerLstm | JointTransformerLstmAttention):
            shape = config.transformer
            self.embedding_dropout = PositionedWords(config.dropout)
            self.transformer = Transformer(width, shape.layers, shape.heads, shape.feedforward, config.dropout)
        self.lstm = MaskedLstm(width, config.hidden, config.layers, config.bidirectional, config.dropout)
        self.reader: PooledReader | AttentiveReader
        if isinstance(config, JointLstmAttention | JointTransformerLstmAttention):
            self.reader = AttentiveReader(self.lstm.features, config.attention)
        else:
            self.reader = PooledReader(self.lstm.features, config.pooling, self.lstm.directions)
        self.feature_dropout = Dropout(config.dropout)
        self.ngrams = None if config.ngrams is None else NgramBag(**config.ngrams.model_dump())
        features = self.reader.features + (0 if self.ngrams is None else self.ngrams.features)
        for task in tasks:
            self.heads[task.name] = kind_of(task).head(features)
        if config.shared_head:
            self.shared_heads = SharedHeads(tasks, features)

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Features (B, F) of every row, the encoder's before the n-grams'; the penalty of the attention.

        On a CPU texts of very different lengths go through in groups, so that one long text does not pad all the others.
        """
        groups = of_like_length(batch.lengths) if batch.ids.device.type == "cpu" else []
        if len(groups) < 2:
            return self.encode_together(batch)
        parts = [self.encode_together(batch.part(group)) for group in groups]
        features = torch.cat([found for found, _ in parts])[torch.cat(groups).argsort()]
        penalties = [
            penalty * (len(group) / len(batch.ids)) for group, (_, penalty) in zip(groups, parts, strict=True) if penalty is not None
        ]
        return features, torch.stack(penalties).sum() if penalties else None

    def encode_together(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The same, all texts padded to the longest."""
        lengths = batch.lengths.to(batch.ids.device, non_blocking=True)
        read, penalty = self.reader(self.states(self.words(batch), lengths), lengths)
        features: Tensor = self.feature_dropout(read)
        if self.ngrams is not None:
            features = torch.cat([features, self.ngrams(batch.ids, lengths, self._salts(batch))], dim=1)
        return features, penalty

    def words(self, batch: Batch) -> Tensor:
        """What the transformer reads, or else the LSTM: the word vectors (B, n, E), with their positions where there is a transformer."""
        words: Tensor = self.embedding_dropout(self.embeddings(batch.ids, batch.rows))
        return words

    def states(self, words: Tensor, lengths: Tensor) -> Tensor:
        """The LSTM's states (B, n, directions * hidden) of what `words` gave, zero on padding."""
        states: Tensor = self.lstm(words if self.transformer is None else self.transformer(words, lengths), lengths)
        return states

    def _salts(self, batch: Batch) -> Tensor:
        """(B,) a number for the vocabulary of every row: id 7 of one language is another word than id 7 of another."""
        salts = torch.zeros(batch.ids.shape[0], dtype=torch.int64, device=batch.ids.device)
        for task, rows in batch.rows.items():
            salts = salts.index_fill(0, rows, zlib.crc32(self.embeddings.vocabulary_of[task].encode()))
        return salts


class PooledReader(nn.Module):
    """The states, pooled in one or several ways."""

    def __init__(self, inputs: int, ways: Ways, directions: int) -> None:
        super().__init__()
        self.features = inputs * len(ways)
        self.pooling = Pooling(ways, directions)

    def forward(self, states: Tensor, lengths: Tensor) -> tuple[Tensor, None]:
        """States (B, n, D) and lengths (B,) -> features (B, D * ways); there is no penalty."""
        return self.pooling(states, lengths), None


class AttentiveReader(nn.Module):
    """Structured self-attention, a fully connected layer and its activation."""

    def __init__(self, inputs: int, config: AttentionSection) -> None:
        super().__init__()
        self.features = config.fc
        self.attention = StructuredSelfAttention(inputs, config.hidden, config.hops)
        self.fc = nn.Linear(self.attention.features, config.fc)
        self.activation = nn.ReLU() if config.activation == "relu" else nn.Identity()
        self.penalty, self.squared = config.penalty, config.squared

    def forward(self, states: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """States (B, n, D) and lengths (B,) -> features (B, fc), and in training the weighted penalty of the attention."""
        attended, weights = self.attention(states, lengths)
        penalty = self.penalty * attention_penalty(weights, self.squared) if self.training and self.penalty else None
        features: Tensor = self.activation(self.fc(attended))
        return features, penalty

    def extra_repr(self) -> str:
        """Shown by `print(network)`."""
        return f"penalty={self.penalty}, squared={self.squared}"
